// The five operations in the order in which an app meets them, and what they must give to every client.

import assert from "node:assert/strict";
import { inspect } from "node:util";

import type { CreateCrawlJobInput, ExportFormat } from "./generated/graphql.js";

/** Where the service is, and as whom it is asked. */
export interface Service {
  url: string;
  socketUrl: string;
  token: string;
}

/** A page of a list: what it holds, and how to go on. */
export interface Page<Row> {
  rows: Row[];
  total: number;
  hasNextPage: boolean;
  endCursor: string | null;
}

/** The numbers of a job that an app shows while it runs. */
export interface Frame {
  id: string;
  status: string;
  validImages: number;
}

/** A mutation's answer: the new row's id, or the fields that were wrong. */
export interface Made {
  id: string | null;
  wrong: string[];
}

/** How a dataset stands. */
export interface Dataset {
  validation: string | null;
  invalid: number;
  exported: string | null;
  downloadUrl: string | null;
}

/** What each client is built into, from the same documents. */
export interface Client {
  projects(first: number, after?: string): Promise<Page<string>>;
  crawl(input: CreateCrawlJobInput): Promise<Made>;
  watch(job: string, seen: (frame: Frame) => void): Promise<void>;
  images(job: string, first: number, after?: string): Promise<Page<{ id: string; width: number }> | null>;
  validate(job: string, minWidth: number): Promise<Made>;
  export(job: string, format: ExportFormat): Promise<Made>;
  dataset(job: string): Promise<Dataset>;
  close(): Promise<void>;
}

const SMALLEST = 100;
const MISSING = "CrawlJob:2000000000";

/** A token that does not hold: each client's error says so, one way or another. */
export async function signedOut(client: Client): Promise<void> {
  await assert.rejects(client.projects(1), (error) => told(error).includes("UNAUTHENTICATED"));
}

/** All that an error tells, however its client wraps it. */
function told(error: unknown): string {
  return inspect(error, { depth: 10 });
}

/** Go through all five; what the dataset holds is the caller's to look at. */
export async function journey(client: Client, host: string, small: number, large: number): Promise<Dataset> {
  const first = await client.projects(1);
  assert.equal(first.rows.length, 1);
  assert.equal(first.total, 2);
  assert.ok(first.hasNextPage && first.endCursor);
  const second = await client.projects(1, first.endCursor);
  assert.equal(second.rows.length, 1);
  assert.notEqual(second.rows[0], first.rows[0]);
  assert.equal(second.hasNextPage, false);

  const projectId = first.rows[0]!;
  const entries = Array.from({ length: small + large }, (_, place) => ({
    url: `${host}/${place}.jpg`,
    keyword: "cat",
    provenance: { creator: "Ann", license: "cc0" },
  }));
  const sources = [{ urlList: { entries } }];
  const refused = await client.crawl({ projectId, name: "", sources });
  assert.deepEqual(refused, { id: null, wrong: ["input.name"] });
  const { id: job } = await client.crawl({ projectId, name: "Cats", sources });
  assert.ok(job);

  const frames: Frame[] = [];
  await client.watch(job, (frame) => frames.push(frame));
  const last = frames.at(-1);
  assert.deepEqual(last, { id: job, status: "COMPLETED", validImages: small + large });

  await pages(client, job, small + large);
  assert.equal(await client.images(MISSING, 1), null);
  const unheard = client.watch(MISSING, () => assert.fail("there is nothing to see"));
  await assert.rejects(unheard, (error) => told(error).includes("No such crawl job."));
  return dataset(client, job, small);
}

async function pages(client: Client, job: string, total: number): Promise<void> {
  const seen = new Map<string, number>();
  let after: string | undefined;
  for (;;) {
    const page = await client.images(job, 3, after);
    assert.ok(page);
    assert.equal(page.total, total);
    for (const row of page.rows) seen.set(row.id, row.width);
    if (!page.hasNextPage || !page.endCursor) break;
    after = page.endCursor;
  }
  assert.equal(seen.size, total);
  const widths = [...seen.values()];
  assert.deepEqual(widths, widths.toSorted((one, other) => other - one));
}

async function dataset(client: Client, job: string, small: number): Promise<Dataset> {
  assert.ok((await client.validate(job, SMALLEST)).id);
  const judged = await until(client, job, (found) => found.validation === "COMPLETED");
  assert.equal(judged.invalid, small);
  assert.ok((await client.export(job, "ZIP")).id);
  return until(client, job, (found) => found.downloadUrl !== null);
}

async function until(client: Client, job: string, holds: (found: Dataset) => boolean): Promise<Dataset> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await client.dataset(job);
    if (holds(found)) return found;
    assert.ok(Date.now() < deadline, JSON.stringify(found));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
