import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "api/*.graphql",
  importExtension: ".js",
  generates: {
    "src/generated/": {
      preset: "client",
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { ID: "string", BigInt: "number", DateTime: "string", JSON: "unknown", URL: "string", UUID: "string" },
      },
    },
  },
};

export default config;
