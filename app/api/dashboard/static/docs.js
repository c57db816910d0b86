// The page of the OpenAPI document. Its calls go to the service under whose path this file lies.
const root = new URL("../../../", import.meta.url);

async function show() {
  const answer = await fetch(new URL("openapi.json", root));
  const spec = await answer.json();
  spec.servers = [{url: root.pathname.replace(/\/$/, "") || "/"}];
  window.SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    layout: "BaseLayout",
    presets: [window.SwaggerUIBundle.presets.apis],
    validatorUrl: null,
  });
}

show();
