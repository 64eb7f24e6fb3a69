import type { ComponentChildren } from "preact";
import { compareRuns, type Comparison, type Run, type WorstCheck } from "../../api/runs";
import { Icon } from "../../components/Icon";
import { OperationStatus } from "../../components/OperationStatus";
import { Empty, Failed, Late, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { useKeys } from "../../state/keyboard";
import { link, navigate, param, update } from "../../state/location";
import { zone } from "../../state/preferences";
import { asked } from "../../state/range";
import { useResource } from "../../state/resource";
import { count, duration, exact } from "../../text/format";
import { Result } from "../runs/Marks";
import { oneLine } from "../run/fields";
import { differs, titleOf, told } from "./figures";
import { Differs, Gained, Pairs, Ratio } from "./Pairs";
import "../runs/runs.css";
import "../run/run.css";
import "./compare.css";

const a = param("a");
const b = param("b");
const onlyParam = param("only");

/** Two runs side by side; what differs is marked. */
export default function Compare() {
  const key = a.value !== "" && b.value !== "" ? `${a.value}\n${b.value}` : null;
  const answer = useResource(key === null ? null : `${key}\n${asked.value}`, async (signal) => ({
    key,
    found: await compareRuns(a.peek(), b.peek(), signal),
  }));
  const swap = () => update({ a: b.peek(), b: a.peek() }, true);
  const toggle = () => update({ only: onlyParam.peek() === "1" ? null : "1" }, true);
  useKeys({
    u: () => navigate(link("/runs")),
    Escape: () => navigate(link("/runs")),
    s: swap,
    d: toggle,
  });
  if (key === null) {
    return (
      <Empty title="Two runs are needed">
        <p>Choose them in the list of runs with the boxes at the left, or with the key x.</p>
        <a class="button" href={link("/runs")}>
          All runs
        </a>
      </Empty>
    );
  }
  const found = answer.data.value?.key === key ? answer.data.value.found : undefined;
  return (
    <div class="run-page compare-page">
      <Late on={answer.slow.value} />
      <header class="run-head">
        <a class="button bare square small" href={link("/runs")} title="All runs ( u )" aria-label="All runs">
          <Icon name="left" />
        </a>
        <h1>Two runs side by side</h1>
        <span class="grow" />
        <button type="button" class="button" aria-pressed={onlyParam.value === "1"} onClick={toggle}>
          Only what differs <kbd>d</kbd>
        </button>
        <button type="button" class="button" onClick={swap}>
          Swap <kbd>s</kbd>
        </button>
      </header>
      {answer.failure.value && !found && <Failed failure={answer.failure.value} retry={answer.retry} />}
      {!found && !answer.failure.value && answer.slow.value && <Skeleton rows={24} />}
      {found && <Shown found={found} only={onlyParam.value === "1"} />}
    </div>
  );
}

function Shown({ found, only }: { found: Comparison; only: boolean }) {
  const keep = <T,>(rows: T[], differing: (row: T) => boolean) => (only ? rows.filter(differing) : rows);
  const figures = keep(found.figures, differs);
  const operations = keep(found.operations, (row) => differs({ a: row.a_ms, b: row.b_ms, ratio: row.ratio }));
  const unlike = (row: { same: boolean }) => !row.same;
  const parameters = keep(found.parameters, unlike);
  const environment = keep(found.environment, unlike);
  const checks = keep(found.checks, unlike);
  const { patterns, errors } = found;
  const heard = [patterns.new, patterns.gone, errors.new, errors.gone].some((each) => each.length > 0);
  return (
    <div class="run-body">
      <div class="sides">
        <Side name="A" run={found.a} />
        <Side name="B" run={found.b} />
      </div>
      {found.notes.length > 0 && (
        <ul class="compare-notes">
          {found.notes.map((note) => (
            <li key={note} class="row">
              <Icon name="warning" size={14} /> <Text value={note} limit={500} />
            </li>
          ))}
        </ul>
      )}
      <div class="run-columns">
        <div>
          <Part title="Figures" rows={figures.length} all={found.figures.length}>
            <table class="table pairs">
              <Columns label="Figure" />
              <tbody>
                {figures.map((row) => (
                  <tr key={row.name} class={differs(row) ? "differing" : ""}>
                    <td>
                      <Differs on={differs(row)} />
                    </td>
                    <td>{titleOf(row)}</td>
                    <td class="number">{told(row, row.a)}</td>
                    <td class="number">{told(row, row.b)}</td>
                    <td class="number">
                      <Ratio {...row} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Part>
          <Part title="Operations" rows={operations.length} all={found.operations.length}>
            <table class="table pairs">
              <Columns label="Operation" />
              <tbody>
                {operations.map((row) => {
                  const times = { a: row.a_ms, b: row.b_ms, ratio: row.ratio };
                  return (
                    <tr key={`${row.kind} ${row.name}`} class={differs(times) ? "differing" : ""}>
                      <td>
                        <Differs on={differs(times)} />
                      </td>
                      <td>
                        <span class="dim">{row.kind}</span> <Text value={row.name} limit={100} />
                      </td>
                      <td class="number">
                        <Time ms={row.a_ms} times={row.a_count} />
                      </td>
                      <td class="number">
                        <Time ms={row.b_ms} times={row.b_count} />
                      </td>
                      <td class="number">
                        <Ratio {...times} />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Part>
          <Part title="Checks" rows={checks.length} all={found.checks.length}>
            <Pairs label="Check" pairs={checks} tell={(check) => check && <CheckCell check={check} />} />
          </Part>
        </div>
        <div>
          <Part title="Parameters" rows={parameters.length} all={found.parameters.length}>
            <Pairs label="Parameter" pairs={parameters} />
          </Part>
          <Part title="Environment" rows={environment.length} all={found.environment.length}>
            <Pairs label="Environment" pairs={environment} />
          </Part>
        </div>
      </div>
      <section class="run-part" aria-labelledby="compare-heard">
        <h2 id="compare-heard">Errors and messages that only one of them had</h2>
        {heard ? (
          <div class="gained-columns">
            <Gained patterns={patterns} errors={errors} />
          </div>
        ) : (
          <p class="dim run-none">None.</p>
        )}
      </section>
    </div>
  );
}

/** One of the two, in short. */
function Side({ name, run }: { name: string; run: Run }) {
  return (
    <section class="run-part side" aria-label={`Run ${name}`}>
      <b class="side-name">{name}</b>
      <div class="grow">
        <p class="row">
          <a class="clip" href={link(`/runs/${encodeURIComponent(run.run_id)}`)}>
            <b>
              <Text value={run.name} limit={100} />
            </b>{" "}
            <span class="mono">
              <Text value={run.run_id} limit={120} />
            </span>
          </a>
          <OperationStatus status={run.status} />
        </p>
        <p class="dim clip">
          {exact(run.started_at, zone.value)}
          {run.service && ` · ${run.service}`}
          {run.git_commit && ` · ${run.git_commit.slice(0, 8)}`}
        </p>
      </div>
    </section>
  );
}

interface PartProps {
  title: string;
  /** Rows that are shown, and that there are. */
  rows: number;
  all: number;
  children: ComponentChildren;
}

function Part({ title, rows, all, children }: PartProps) {
  const id = `compare-${title.toLowerCase()}`;
  return (
    <section class="run-part" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows === 0 ? (
        <p class="dim run-none">{all === 0 ? "None." : "Nothing differs."}</p>
      ) : (
        <div class="scroll-x compare-scroll">{children}</div>
      )}
    </section>
  );
}

function Columns({ label }: { label: string }) {
  return (
    <thead>
      <tr>
        <th class="pairs-mark">
          <span class="unseen">Differs</span>
        </th>
        <th>{label}</th>
        <th class="number">A</th>
        <th class="number">B</th>
        <th class="number">B by A</th>
      </tr>
    </thead>
  );
}

function Time({ ms, times }: { ms: number | null; times: number }) {
  if (ms === null) return <span class="dim">not there</span>;
  return (
    <>
      {duration(ms)} {times !== 1 && <span class="dim">×{count(times)}</span>}
    </>
  );
}

function CheckCell({ check }: { check: WorstCheck }) {
  return (
    <>
      <Result result={check.result} /> <Text value={oneLine(check.value)} limit={80} />
      {check.count > 1 && <span class="dim"> worst of {count(check.count)}</span>}
    </>
  );
}
