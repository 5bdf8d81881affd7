package org.deepflash.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.deepflash.records.ConnectionSettings;
import org.deepflash.records.InputException;
import org.deepflash.records.ServiceAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceFinderTest {

    @TempDir
    private Path home;

    @BeforeEach
    void setHome() {
        System.setProperty("deepflash.home", home.toString());
    }

    @AfterEach
    void clearHome() {
        System.clearProperty("deepflash.home");
    }

    private static ConnectionSettings settings(String url, String token) {
        return new ConnectionSettings(url, token, false, "", 30);
    }

    private void writeFile() throws IOException {
        String text = "{\"url\":\"http://127.0.0.1:5\",\"token\":\"t\",\"pid\":1,\"version\":\"0.1.0\",\"api\":1}";
        Files.write(home.resolve("service.json"), text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void runtimeFileGivesAddressAndToken() throws IOException {
        writeFile();
        ServiceAddress address = ServiceFinder.find(settings("", ""));
        assertEquals("http://127.0.0.1:5 t", address.getUrl() + " " + address.getToken());
    }

    @Test
    void settingsWin() throws IOException {
        writeFile();
        ServiceAddress address = ServiceFinder.find(settings("http://127.0.0.1:6/", "own"));
        assertEquals("http://127.0.0.1:6 own", address.getUrl() + " " + address.getToken());
    }

    @Test
    void tokenOfThisComputerNeverTravelsToAnotherOne() throws IOException {
        writeFile();
        assertEquals("", ServiceFinder.find(settings("http://127.0.0.1.example.org:80", "")).getToken());
        assertEquals("t", ServiceFinder.find(settings("http://localhost:5", "")).getToken());
    }

    @Test
    void missingFileNamesThePlace() {
        ServiceException error = assertThrows(ServiceException.class, () -> ServiceFinder.find(settings("", "")));
        assertTrue(error.getMessage().contains(home.resolve("service.json").toString()), error.getMessage());
    }

    @Test
    void homeOfTheSettingsWinsOverThatOfTheComputer() throws IOException {
        writeFile();
        System.setProperty("deepflash.home", home.resolve("other").toString());
        assertThrows(ServiceException.class, () -> ServiceFinder.find(settings("", "")));
        assertEquals("http://127.0.0.1:5", ServiceFinder.find(settings("", "").with("", home.toString())).getUrl());
        String user = System.getProperty("user.home");
        assertEquals(Paths.get(user, "lab"), ServiceFinder.findHome(settings("", "").with("", "~/lab")));
    }

    private void install(Path folder, Path python) throws IOException {
        Files.createDirectories(folder.resolve("DeepFLaSH"));
        Files.write(folder.resolve("DeepFLaSH").resolve("installation.json"), ("{\"python\":\""
            + python.toString().replace('\\', '/') + "\",\"home\":\"/lab\"}").getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void installationTellsPythonAndHome() throws IOException {
        Path python = Files.createFile(home.resolve("python"));
        assertEquals("", Installation.read((Path) null).getPython() + Installation.read(home).getHome());
        install(home, python);
        assertEquals(python, Paths.get(Installation.read(home).getPython()));
        assertEquals("/lab", Installation.read(null, home.resolve("elsewhere"), home).getHome());
        assertEquals("", Installation.read(home).describeLoss());
    }

    @Test
    void aPythonThatIsGoneIsNotStartedButNamedWithItsFile() throws IOException {
        install(home, home.resolve("python"));
        Installation installed = Installation.read(home);
        assertEquals("", installed.getPython());
        ConnectionSettings settings = new ConnectionSettings("", "", true, home.resolve("nothing").toString(), 1);
        ServiceException error = assertThrows(ServiceException.class,
            () -> ServiceLauncher.start(settings, installed.describeLoss()));
        for (String part : new String[] {"installation.json names, is not there any more", "`deepflash install-fiji`",
            "Run DFL Set Up..."}) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
    }

    @Test
    void theFolderOfTheJarIsKnown() {
        assertTrue(Files.isDirectory(Installation.findFolderOfJar()));
    }

    @Test
    void launcherTellsWhyNothingStarted() {
        ConnectionSettings settings = new ConnectionSettings("", "", true, home.resolve("nothing").toString(), 1);
        ServiceException error = assertThrows(ServiceException.class, () -> ServiceLauncher.start(settings, ""));
        assertTrue(error.getMessage().contains("DFL Set Up..."), error.getMessage());
    }

    @Test
    void addressesAreChecked() {
        assertThrows(InputException.class, () -> settings("127.0.0.1:8000", ""));
        assertThrows(InputException.class, () -> new ConnectionSettings("", "", false, "", 0));
    }
}
