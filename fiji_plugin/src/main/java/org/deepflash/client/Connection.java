package org.deepflash.client;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A way to the service that is found again after the service was restarted, which changes port and token.
 *
 * <p>Jobs live longer than the service: whoever waits for one goes through here.
 */
public final class Connection {

    private static final Set<String> LOSSES = Collections.unmodifiableSet(new HashSet<>(Arrays.asList(
        ServiceException.DOWN, ServiceException.TOKEN, ServiceException.SILENCE, ServiceException.FAULT)));

    private final Supplier<ServiceClient> finder;
    private ServiceClient client;
    private boolean isLost;

    /**
     * @param client the way as it is now
     * @param finder looks for the service once, and throws {@link ServiceException} if there is none
     */
    public Connection(ServiceClient client, Supplier<ServiceClient> finder) {
        this.client = client;
        this.finder = finder;
    }

    /**
     * Returns a client; looks for the service if it was lost.
     *
     * @throws ServiceException if it is still not there
     */
    public synchronized ServiceClient client() {
        if (isLost) {
            client = finder.get();
            isLost = false;
        }
        return client;
    }

    /**
     * Notes that a request failed, so that the next one looks for the service.
     *
     * @return false if the service is there and said no: then asking again is of no use
     */
    public synchronized boolean lose(ServiceException error) {
        boolean isLoss = LOSSES.contains(error.getCode());
        isLost |= isLoss;
        return isLoss;
    }
}
