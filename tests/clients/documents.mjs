// Relay's compiler reads tagged texts alone: each operation of `api/` becomes a module of its name that holds it.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

mkdirSync("src/documents", { recursive: true });
mkdirSync("src/artifacts", { recursive: true });
for (const file of readdirSync("api").filter((name) => name.endsWith(".graphql"))) {
  const name = file.slice(0, -".graphql".length);
  const text = readFileSync(`api/${file}`, "utf8");
  const module = `import { graphql } from "relay-runtime";\n\nexport const ${name} = graphql\`\n${text}\`;\n`;
  writeFileSync(`src/documents/${name}.ts`, module);
}
