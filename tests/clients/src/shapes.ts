// From what the documents give to what the journey looks at: the shapes are the same whichever client asked.

import type { Dataset, Frame, Made, Page } from "./journey.js";

interface Connection<Node> {
  readonly totalCount: number;
  readonly edges: readonly { readonly node: Node }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null };
}

/** A connection's page. */
export function pageOf<Node, Row>(connection: Connection<Node>, row: (node: Node) => Row): Page<Row> {
  return {
    rows: connection.edges.map(({ node }) => row(node)),
    total: connection.totalCount,
    hasNextPage: connection.pageInfo.hasNextPage,
    endCursor: connection.pageInfo.endCursor ?? null,
  };
}

/** A job's numbers in a frame of its progress. */
export function frameOf({ id, status, validImages }: Frame): Frame {
  return { id, status, validImages };
}

/** What a mutation made, or which fields it refused. */
export function made(row: { readonly id: string } | null | undefined, errors: readonly { readonly path: readonly string[] }[]): Made {
  return { id: row?.id ?? null, wrong: errors.map(({ path }) => path.join(".")) };
}

interface Edges<Node> {
  readonly edges: readonly { readonly node: Node }[];
}

interface Judged {
  readonly validationJobs: Edges<{ readonly status: string; readonly invalidImages: number }>;
  readonly exportJobs: Edges<{ readonly status: string; readonly downloadUrl?: string | null }>;
}

/** How the latest validation and export of a job stand. */
export function datasetOf(job: Judged | null | undefined): Dataset {
  const validation = job?.validationJobs.edges[0]?.node;
  const exported = job?.exportJobs.edges[0]?.node;
  return {
    validation: validation?.status ?? null,
    invalid: validation?.invalidImages ?? 0,
    exported: exported?.status ?? null,
    downloadUrl: exported?.downloadUrl ?? null,
  };
}
