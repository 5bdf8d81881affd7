package org.deepflash.records;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What happened to a job since the last look. */
public final class EventPage {

    private final List<JobEvent> events;
    private final long next;
    private final String state;

    /**
     * @param events in order
     * @param next where the next look begins
     * @param state of the job now
     */
    public EventPage(List<JobEvent> events, long next, String state) {
        this.events = Collections.unmodifiableList(new ArrayList<>(events));
        this.next = next;
        this.state = state;
    }

    /** Returns the events in order. */
    public List<JobEvent> getEvents() {
        return events;
    }

    /** Returns where the next look begins. */
    public long getNext() {
        return next;
    }

    /** Returns the state of the job now. */
    public String getState() {
        return state;
    }
}
