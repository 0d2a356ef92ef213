import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.ScriptPlugin;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.script.DocReader;
import org.elasticsearch.script.ScoreScript;
import org.elasticsearch.script.ScriptContext;
import org.elasticsearch.script.ScriptEngine;
import org.elasticsearch.script.VectorScoreScriptUtils.CosineSimilarity;
import org.elasticsearch.script.VectorScoreScriptUtils.DotProduct;
import org.elasticsearch.script.VectorScoreScriptUtils.L1Norm;
import org.elasticsearch.script.VectorScoreScriptUtils.L2Norm;
import org.elasticsearch.search.lookup.SearchLookup;

/**
 * What Elasticsearch has in modules that no registry has: the answer to `GET /`, and the scripts that onevec sends, as
 * Painless runs them, by the server's own functions for vectors.
 */
public final class Missing extends Plugin implements ActionPlugin, ScriptPlugin {
    @Override
    public Collection<RestHandler> getRestHandlers(
            RestHandlersServices services,
            Supplier<DiscoveryNodes> nodes,
            Predicate<NodeFeature> clusterSupportsFeature) {
        return List.of(new Root());
    }

    private static final class Root implements RestHandler {
        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"));
        }

        @Override
        public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
            var about = channel.newBuilder().startObject();
            about.startObject("version").field("number", Build.current().version()).endObject().endObject();
            channel.sendResponse(new RestResponse(RestStatus.OK, about));
        }
    }

    @Override
    public ScriptEngine getScriptEngine(Settings settings, Collection<ScriptContext<?>> contexts) {
        return new Engine();
    }

    private static final class Engine implements ScriptEngine {
        @Override
        public String getType() {
            return "painless";
        }

        @Override
        public <F> F compile(String name, String source, ScriptContext<F> context, Map<String, String> options) {
            ScoreScript.Factory factory = (params, lookup) -> new Leaves(source, params, lookup);
            return context.factoryClazz.cast(factory);
        }

        @Override
        public Set<ScriptContext<?>> getSupportedContexts() {
            return Set.of(ScoreScript.CONTEXT);
        }
    }

    private record Leaves(String source, Map<String, Object> params, SearchLookup lookup)
            implements ScoreScript.LeafFactory {
        @Override
        public boolean needs_score() {
            return false;
        }

        @Override
        public boolean needs_termStats() {
            return false;
        }

        @Override
        public ScoreScript newInstance(DocReader reader) {
            return new Script(source, params, lookup, reader);
        }
    }

    private static final class Script extends ScoreScript {
        private final String source;
        private DoubleSupplier score;

        Script(String source, Map<String, Object> params, SearchLookup lookup, DocReader reader) {
            super(params, lookup, reader);
            this.source = source;
        }

        @Override
        public double execute(ExplanationHolder explanation) {
            if (score == null) {
                score = bound(); // by now a document is set, which the functions look at
            }
            return score.getAsDouble();
        }

        private DoubleSupplier bound() {
            Object query = getParams().get("query");
            switch (source) {
                case "Math.max(0, cosineSimilarity(params.query, 'vector') + 1)":
                    CosineSimilarity cosine = new CosineSimilarity(this, query, "vector");
                    return () -> Math.max(0, cosine.cosineSimilarity() + 1);
                case "double dot = dotProduct(params.query, 'vector'); return dot < 0 ? 1 / (1 - dot) : dot + 1;":
                    DotProduct product = new DotProduct(this, query, "vector");
                    return () -> {
                        double dot = product.dotProduct();
                        return dot < 0 ? 1 / (1 - dot) : dot + 1;
                    };
                case "1 / (1 + l2norm(params.query, 'vector'))":
                    L2Norm euclidean = new L2Norm(this, query, "vector");
                    return () -> 1 / (1 + euclidean.l2norm());
                case "1 / (1 + l1norm(params.query, 'vector'))":
                    L1Norm manhattan = new L1Norm(this, query, "vector");
                    return () -> 1 / (1 + manhattan.l1norm());
                default:
                    throw new IllegalArgumentException("no such script here: " + source);
            }
        }
    }
}
