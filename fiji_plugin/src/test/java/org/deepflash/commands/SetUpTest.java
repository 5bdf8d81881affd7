package org.deepflash.commands;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.deepflash.records.OptionText;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SetUpTest {

    private static final String ADDRESS = "service_url=http://127.0.0.1:1 ";

    private static String store(String options) {
        SetUp.store(OptionText.parse(options));
        return StoredSettings.loadChosen().getToken();
    }

    @AfterEach
    void forget() {
        store("token=[]");
    }

    @Test
    void aRecordedLineKeepsTheTokenOfItsAddress() {
        assertEquals("secret", store(ADDRESS + "token=secret"));
        assertEquals("secret", store(ADDRESS + "timeout_s=9"));
        assertEquals(9, StoredSettings.loadChosen().getTimeout());
        assertEquals("", store("service_url=http://127.0.0.1:2"), "no token goes to another address");
    }

    @Test
    void anEmptyTokenRemovesIt() {
        assertEquals("secret", store(ADDRESS + "token=secret"));
        assertEquals("", store(ADDRESS + "token=[]"));
    }
}
