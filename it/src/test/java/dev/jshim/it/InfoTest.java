package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

/** What a shim says of itself, before there is a container. */
class InfoTest extends OptionScenario {

    @Test
    void containerd2ReadsWhatTheRuntimeCanDo() {
        start(Release.V2, "");

        JsonObject info = JsonParser.parseString(node.ctr("plugins", "inspect-runtime", "--runtime", Product.RUNTIME)
                        .ok()
                        .out())
                .getAsJsonObject();

        assertThat(info.get("Name").getAsString()).isEqualTo(Product.RUNTIME);
        assertThat(info.getAsJsonObject("Version").get("Version").getAsString()).isNotEmpty();
        JsonObject features = info.getAsJsonObject("Features");
        assertThat(features.get("ociVersionMax").getAsString()).startsWith("1.");
        assertThat(features.getAsJsonArray("mountOptions")).isNotEmpty();
    }
}
