/**
 * Makes one flat list of what a schema check reports. Must not know the package that reports it beyond the few fields below,
 * nor a file or a line.
 */
import type { Path } from './problems.ts';

export type ShapeIssue =
  | { readonly kind: 'unknown-key'; readonly path: Path; readonly key: string }
  /** `expected` is a noun phrase: "a whole number from 1 to 8". */
  | { readonly kind: 'wrong-value'; readonly path: Path; readonly expected: string };

/** The part of a schema checker's issue that is used here. */
export interface ReportedIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Of an unknown key: which ones. */
  readonly keys?: readonly string[];
  /** Of a value that fits none of several shapes: what each of them says, with paths relative to the value. */
  readonly errors?: readonly (readonly ReportedIssue[])[];
}

/**
 * One issue a place: a text that is too short and of the wrong form is told once, and of a map with an unknown key only that,
 * since whatever else is wrong with it may follow from the key.
 */
export function toShapeIssues(reported: readonly ReportedIssue[]): ShapeIssue[] {
  const issues = reported.flatMap((issue) => flatten(issue, []));
  const told = new Set<string>();
  const unknownKeys = issues.filter((issue) => issue.kind === 'unknown-key');
  for (const { path } of unknownKeys) {
    told.add(JSON.stringify(path));
  }
  return issues.filter((issue) => {
    const id = JSON.stringify(issue.path);
    const isNew = issue.kind === 'unknown-key' || !told.has(id);
    told.add(id);
    return isNew;
  });
}

function flatten(issue: ReportedIssue, base: Path): ShapeIssue[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({ kind: 'unknown-key', path, key }));
  }
  const inside = issue.code === 'invalid_union' ? issue.errors?.find(concernsContent) : undefined;
  if (inside !== undefined) {
    return inside.flatMap((inner) => flatten(inner, path));
  }
  return [{ kind: 'wrong-value', path, expected: issue.message }];
}

/** Whether the value had the right type for this shape, so that what it says is about the content and worth telling. */
function concernsContent(issues: readonly ReportedIssue[]): boolean {
  return issues.every((issue) => issue.code !== 'invalid_type' || issue.path.length > 0);
}
