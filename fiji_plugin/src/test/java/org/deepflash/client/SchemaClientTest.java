package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.stream.Collectors;
import org.deepflash.records.InputException;
import org.deepflash.records.OptionField;
import org.deepflash.records.OptionFields;
import org.deepflash.records.OptionText;
import org.deepflash.records.SegmentSettings;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Options that this plugin has never heard of travel from the schema to the request. */
class SchemaClientTest {

    private static final String SCHEMA = "{\"properties\":{\"model\":{\"type\":\"string\"},"
        + "\"glow\":{\"anyOf\":[{\"type\":\"number\",\"exclusiveMinimum\":0.0,\"maximum\":2.5,\"description\":\"how much\"},"
        + "{\"type\":\"null\"}],\"default\":null},"
        + "\"min_roi_turns\":{\"type\":\"integer\",\"minimum\":1,\"default\":3},"
        + "\"mirror\":{\"type\":\"boolean\",\"default\":false},"
        + "\"smooth\":{\"type\":\"boolean\",\"default\":true},"
        + "\"engine\":{\"enum\":[\"fast\",\"exact\"],\"type\":\"string\",\"default\":\"fast\"},"
        + "\"odd\":{\"anyOf\":[{\"const\":\"all\"},{\"type\":\"integer\"}],\"default\":\"all\"}}}";

    private StubService service;
    private HttpServiceClient client;
    private OptionFields fields;

    @BeforeEach
    void start() throws IOException {
        service = new StubService().on("GET /api/v1/schemas/segmentation", 200, SCHEMA)
            .on("POST /api/v1/segmentations", 202, "{\"id\":\"j\",\"state\":\"queued\"}");
        client = new HttpServiceClient(new ServiceAddress(service.url(), "t"), 5);
        fields = client.schemas().list("segmentation").without(SegmentSettings.OWN);
    }

    @AfterEach
    void stop() {
        service.close();
    }

    private Map<String, Object> read(String options) {
        return fields.read(OptionText.parse(options));
    }

    @Test
    void everyKindOfOptionBecomesAField() {
        assertEquals("[glow NUMBER '', min_roi_turns WHOLE '3', mirror BOX 'false', smooth CHOICE 'true',"
            + " engine CHOICE 'fast', odd TEXT 'all']", fields.list().stream().map(field -> field.getName() + " "
            + field.getKind() + " '" + field.getUsual() + "'").collect(Collectors.toList()).toString());
        OptionField glow = fields.list().get(0);
        assertEquals("how much", glow.getDescription());
        assertEquals("Min_ROI_turns", fields.list().get(1).getLabel());
    }

    @Test
    void labelsAreRecordedAsTheNames() {
        fields.list().forEach(field -> assertEquals(field.getName(), field.getLabel().toLowerCase()));
    }

    @Test
    void valuesKeepTheirKind() {
        assertEquals("{glow=0.5, min_roi_turns=4, mirror=true, smooth=false, engine=exact, odd=7}",
            read("glow=0.5 min_roi_turns=4 mirror smooth=false engine=exact odd=7").toString());
        assertEquals(Boolean.FALSE, read("smooth=false").get("smooth"));
        assertEquals(4L, read("min_roi_turns=4").get("min_roi_turns"));
        assertEquals(Collections.emptyMap(), read("glow=[] odd=[]"));
        assertEquals(Collections.emptyMap(), read("glow=0"));
    }

    @Test
    void whatTheServiceWouldRefuseIsNamedBeforeAnythingIsSent() {
        String[][] cases = {{"glow=3", "above 0 up to 2.5"}, {"glow=much", "is no number"},
            {"min_roi_turns=0", "from 1"}, {"min_roi_turns=1.5", "is no whole number"},
            {"engine=slow", "Choose one of fast, exact"}, {"smooth=maybe", "Choose one of true, false"},
            {"glow=NaN", "cannot be used"}};
        for (String[] pair : cases) {
            String fault = assertThrows(InputException.class, () -> read(pair[0])).getMessage();
            assertTrue(fault.contains(pair[1]), fault);
        }
    }

    @Test
    void theRequestCarriesThem() {
        SegmentSettings settings = SegmentSettings.fromOptions(
            OptionText.parse("model=m glow=0.5 min_roi_turns=4 mirror smooth=false"), fields);
        client.submitSegmentation(settings, "a.tif", new byte[] {1});
        assertTrue(service.lastBody().contains(
            "{\"model\":\"m\",\"glow\":0.5,\"min_roi_turns\":4,\"mirror\":true,\"smooth\":false}"), service.lastBody());
        assertThrows(InputException.class,
            () -> SegmentSettings.fromOptions(OptionText.parse("model=m glw=0.5"), fields));
    }
}
