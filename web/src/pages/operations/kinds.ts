/** The pages of operations: what each is of, and how an application comes to have some. */

export interface KindPage {
  path: string;
  title: string;
  /** What its operations are; the page of tasks also shows kinds of the application's own. */
  kind: string;
  one: string;
  many: string;
  /** What the name of one says. */
  type: string;
  /** Code that makes one. */
  code: string;
  /** What comes by itself, or what else to write. */
  hint: string;
}

export const KIND_PAGES: KindPage[] = [
  {
    path: "/jobs",
    title: "Jobs",
    kind: "job",
    one: "job",
    many: "jobs",
    type: "Type",
    code: 'with plainview.job("render", id="j-7") as job:',
    hint: "Tasks of Celery, RQ, Dramatiq and APScheduler come by themselves.",
  },
  {
    path: "/engines",
    title: "Engines",
    kind: "engine",
    one: "execution",
    many: "executions",
    type: "Engine",
    code: 'with plainview.engine("tts"):',
    hint: "An engine that is expected shows as missing until it runs: plainview.engines.expect(…).",
  },
  {
    path: "/batches",
    title: "Batches",
    kind: "batch",
    one: "batch",
    many: "batches",
    type: "Batch",
    code: 'with plainview.batch("nightly", items=len(orders)) as batch:',
    hint: "Each of its items goes into: with batch.item(index, job_id=order).",
  },
  {
    path: "/agents",
    title: "Agents",
    kind: "agent",
    one: "agent",
    many: "agents",
    type: "Role",
    code: 'with plainview.agent("writer", stage="outline") as agent:',
    hint: "Each round goes into: with agent.iteration(n).",
  },
  {
    path: "/tasks",
    title: "Tasks",
    kind: "task",
    one: "task",
    many: "tasks",
    type: "Name",
    code: 'with plainview.task("thumbnails"):',
    hint: "Kinds of your own show here, too: plainview.operation(kind, name).",
  },
];

/** Kinds that have a page of another name. */
export const PLACED = new Set([...KIND_PAGES.map(({ kind }) => kind), "worker", "run"]);

/** Where operations of a kind are listed. */
export function pathOf(kind: string): string {
  if (kind === "worker") return "/workers";
  return KIND_PAGES.find((page) => page.kind === kind)?.path ?? "/tasks";
}
