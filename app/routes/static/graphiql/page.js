// The page's own part: a token goes with every request, and with connection_init of every websocket.
"use strict";

(() => {
  const KEPT = "pixcrawler.token"; // for this tab alone: gone when it is closed
  const socketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;
  const input = document.getElementById("token");
  const state = document.getElementById("state");
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  let token = sessionStorage.getItem(KEPT) ?? "";
  let typedHeaders = {};

  // A header typed in GraphiQL's own editor wins over the box.
  const authorization = () => {
    const typed = Object.entries(typedHeaders).find(([name]) => name.toLowerCase() === "authorization");
    return typed ? { Authorization: typed[1] } : token ? { Authorization: `Bearer ${token}` } : {};
  };

  const sockets = graphqlWs.createClient({ url: socketUrl, lazy: true, retryAttempts: 3, connectionParams: authorization });
  const ask = GraphiQL.createFetcher({ url: "/graphql", wsClient: sockets, enableIncrementalDelivery: false });

  const fetcher = (operation, options = {}) => {
    typedHeaders = options.headers ?? {};
    return ask(operation, { ...options, headers: { ...typedHeaders, ...authorization() } });
  };

  const EXAMPLE = `# Type the token above, then run this with Ctrl-Enter.
query Mine {
  viewer {
    email
    projects(first: 5) {
      totalCount
      nodes { id name crawlJobs(first: 5) { nodes { id name status progress } } }
    }
  }
}
`;

  // Another token sees another schema, perhaps: a new key makes GraphiQL ask for it again.
  const show = () => {
    state.textContent = token ? "Sent with every operation." : "No token: every operation is refused.";
    root.render(React.createElement(GraphiQL, { key: token, fetcher, defaultQuery: EXAMPLE, shouldPersistHeaders: false }));
  };

  input.value = token;
  document.getElementById("viewer").addEventListener("submit", (event) => {
    event.preventDefault();
    token = input.value.trim().replace(/^Bearer\s+/i, "");
    sessionStorage.setItem(KEPT, token);
    show();
  });
  show();
})();
