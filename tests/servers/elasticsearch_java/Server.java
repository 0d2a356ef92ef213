import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** A node of Elasticsearch on a home directory with modules, which says where it listens, until its input ends. */
public final class Server {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        Settings.Builder settings = Settings.builder().put("path.home", home);
        for (int at = 1; at < arguments.length; at += 2) {
            settings.put(arguments[at], arguments[at + 1]);
        }
        PrintStream out = System.out;
        System.setOut(System.err);
        LogConfigurator.setNodeName("tests");
        LogConfigurator.configureESLogging();
        Environment environment = new Environment(settings.build(), home.resolve("config"));
        PluginsLoader plugins =
                PluginsLoader.createPluginsLoader(
                        PluginsLoader.loadModulesBundles(environment.modulesDir(), false),
                        PluginsLoader.loadPluginsBundles(environment.pluginsDir(), false),
                        Map.of(),
                        false);
        try (Node node = new Node(environment, plugins)) {
            node.start();
            var http = node.injector().getInstance(HttpServerTransport.class);
            out.println("listening on " + http.boundAddress().publishAddress().getPort());
            while (System.in.read() >= 0) {}
        }
        System.exit(0);
    }
}
