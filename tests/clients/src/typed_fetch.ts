// graphql-codegen alone: its typed documents with `fetch`, and graphql-ws for what is live.

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { createClient } from "graphql-ws";

import {
  CreateCrawlJobMutationDocument,
  DatasetQueryDocument,
  ExportMutationDocument,
  ImagesQueryDocument,
  ProgressSubscriptionDocument,
  type ProgressSubscriptionSubscription,
  ProjectsQueryDocument,
  ValidateMutationDocument,
} from "./generated/graphql.js";
import type { Client, Service } from "./journey.js";
import { datasetOf, frameOf, made, pageOf } from "./shapes.js";

export function createFetch({ url, socketUrl, token }: Service): Client {
  const authorization = `Bearer ${token}`;

  // docs: fetch
  async function ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify({ query: print(document), variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(errors[0].message, { cause: errors });
    return data;
  }

  const sockets = createClient({
    url: socketUrl,
    connectionParams: { Authorization: authorization },
  });
  // end

  return {
    async projects(first, after) {
      const { viewer } = await ask(ProjectsQueryDocument, { first, after });
      return pageOf(viewer.projects, (project) => project.id);
    },
    async crawl(input) {
      const { createCrawlJob } = await ask(CreateCrawlJobMutationDocument, { input });
      return made(createCrawlJob.crawlJob, createCrawlJob.errors);
    },
    async watch(job, seen) {
      const query = print(ProgressSubscriptionDocument);
      for await (const { data } of sockets.iterate<ProgressSubscriptionSubscription>({ query, variables: { job } })) {
        if (data) seen(frameOf(data.crawlJobProgress.crawlJob));
      }
    },
    async images(job, first, after) {
      const { crawlJob } = await ask(ImagesQueryDocument, {
        job,
        first,
        after,
        filter: { status: ["DOWNLOADED", "VALID"] },
        orderBy: [{ field: "WIDTH", direction: "DESC" }],
      });
      return crawlJob && pageOf(crawlJob.images, ({ id, width }) => ({ id, width: width ?? 0 }));
    },
    async validate(crawlJobId, minWidth) {
      const { createValidationJob } = await ask(ValidateMutationDocument, { input: { crawlJobId, rules: { minWidth } } });
      return made(createValidationJob.validationJob, createValidationJob.errors);
    },
    async export(crawlJobId, format) {
      const { createExportJob } = await ask(ExportMutationDocument, { input: { crawlJobId, format } });
      return made(createExportJob.exportJob, createExportJob.errors);
    },
    async dataset(job) {
      return datasetOf((await ask(DatasetQueryDocument, { job })).crawlJob);
    },
    async close() {
      await sockets.dispose();
    },
  };
}
