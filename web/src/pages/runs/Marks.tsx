import { CHECK_RESULTS, type CheckResult, type Run } from "../../api/runs";
import { Sparkline } from "../../components/Sparkline";
import { count, duration } from "../../text/format";
import { amount } from "../../text/units";

/** A sign for each result, so that it is told without its colour. */
export const RESULT_SIGNS: Record<CheckResult, string> = { pass: "✓", warning: "▲", fail: "×" };

/** How many checks came to what; those of a kind that there are none of are left out. */
export function CheckCounts({ checks }: { checks: Run["checks"] }) {
  const there = CHECK_RESULTS.filter((result) => checks[result] > 0);
  if (there.length === 0) return <span class="dim">–</span>;
  return (
    <span class="check-counts">
      {there.map((result) => (
        <span key={result} class={`check check-${result}`} title={`${count(checks[result])} ${result}`}>
          <i aria-hidden="true">{RESULT_SIGNS[result]}</i> {count(checks[result])}
          <span class="unseen"> {result}</span>
        </span>
      ))}
    </span>
  );
}

/** What a check came to. */
export function Result({ result }: { result: CheckResult }) {
  return (
    <span class={`check check-${result}`}>
      <i aria-hidden="true">{RESULT_SIGNS[result] ?? "?"}</i> {result}
    </span>
  );
}

/** The middle one of some numbers; undefined where there are none. */
export function median(values: number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half];
  if (upper === undefined) return undefined;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** Runs before one that are drawn; where there are fewer, their places stay empty. */
const BEFORE = 20;

/** How long it took beside those before it, and whether that is out of line. */
export function Durations({ run }: { run: Run }) {
  const earlier = run.earlier_durations_ms;
  const own = run.duration_ms ?? 0;
  const usual = median(earlier);
  const missing = Array.from({ length: Math.max(0, BEFORE - earlier.length) }, () => 0);
  const told =
    usual === undefined
      ? "no run of this name before"
      : `${duration(own)}; the median of the ${earlier.length} before it is ${duration(usual)}`;
  return (
    <span class="durations" title={told}>
      <Sparkline values={[...missing, ...earlier, own]} label={told} width={84} height={20} newest />
      {run.unusual.includes("duration_ms") && <OutOfLine ratio={usual ? own / usual : undefined} />}
    </span>
  );
}

interface OutOfLineProps {
  /** The value by what is usual; undefined where that cannot be said. */
  ratio: number | undefined;
  direction?: "higher" | "lower" | null | undefined;
}

/** Out of line with those before, and which way. */
export function OutOfLine({ ratio, direction }: OutOfLineProps) {
  const lower = direction ? direction === "lower" : ratio !== undefined && ratio < 1;
  return (
    <b class={lower ? "out-of-line lower" : "out-of-line"} title="Out of line with the runs before it">
      <i aria-hidden="true">{lower ? "↓" : "↑"}</i>
      {ratio !== undefined && ` ×${amount(ratio)}`}
      <span class="unseen"> out of line</span>
    </b>
  );
}
