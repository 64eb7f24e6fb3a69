import type { ComponentChildren } from "preact";
import type { NewAndGone, Pair, RunError, RunPattern } from "../../api/runs";
import { Level } from "../../components/Level";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { count } from "../../text/format";
import { amount } from "../../text/units";
import { differs } from "./figures";
import { oneLine } from "../run/fields";
import { ErrorItem } from "../run/Troubles";

/** Said of what differs, beside its colour. */
export function Differs({ on }: { on: boolean }) {
  if (!on) return <span class="differs" />;
  return (
    <b class="differs" title="Differs">
      <i aria-hidden="true">≠</i>
      <span class="unseen">differs</span>
    </b>
  );
}

interface RatioProps {
  a: number | null;
  b: number | null;
  ratio: number | null;
}

/** How many times as large it has become: ↑ ×1.8, ↓ ×0.5. */
export function Ratio(props: RatioProps) {
  const { a, b, ratio } = props;
  if (!differs(props)) return <span class="dim">{a === null && b === null ? "–" : "alike"}</span>;
  if (a === null) return <b class="ratio">only B</b>;
  if (b === null) return <b class="ratio">only A</b>;
  return (
    <b class="ratio">
      <i aria-hidden="true">{b > a ? "↑" : "↓"}</i> {ratio === null ? "from none" : `×${amount(ratio)}`}
    </b>
  );
}

interface PairsProps<T> {
  label: string;
  pairs: Pair<T>[];
  /** How a value is shown; as it is by itself. */
  tell?: (value: T) => ComponentChildren;
}

/** Names with the values of both. */
export function Pairs<T>({ label, pairs, tell }: PairsProps<T>) {
  const show = (value: T) =>
    value === null || value === undefined ? (
      <span class="dim">not there</span>
    ) : tell ? (
      tell(value)
    ) : (
      <Text value={oneLine(value)} limit={1000} />
    );
  return (
    <table class="table pairs">
      <thead>
        <tr>
          <th class="pairs-mark">
            <span class="unseen">Differs</span>
          </th>
          <th>{label}</th>
          <th>A</th>
          <th>B</th>
        </tr>
      </thead>
      <tbody>
        {pairs.map((pair) => (
          <tr key={pair.name} class={pair.same ? "" : "differing"}>
            <td>
              <Differs on={!pair.same} />
            </td>
            <td>
              <Text value={pair.name} limit={200} />
            </td>
            <td class="mono pairs-value">{show(pair.a)}</td>
            <td class="mono pairs-value">{show(pair.b)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface GainedProps {
  patterns: NewAndGone<RunPattern>;
  errors: NewAndGone<RunError>;
}

/** What one of two runs logged or met, and the other did not. */
export function Gained({ patterns, errors }: GainedProps) {
  return (
    <>
      <Side title="New errors" sign="+" there={errors.new.length > 0}>
        {errors.new.map((error) => (
          <ErrorItem key={error.error_id} error={error} />
        ))}
      </Side>
      <Side title="Gone errors" sign="−" there={errors.gone.length > 0}>
        {errors.gone.map((error) => (
          <ErrorItem key={error.error_id} error={error} />
        ))}
      </Side>
      <Side title="New messages" sign="+" there={patterns.new.length > 0}>
        {patterns.new.map((pattern) => (
          <Message key={pattern.pattern} pattern={pattern} />
        ))}
      </Side>
      <Side title="Gone messages" sign="−" there={patterns.gone.length > 0}>
        {patterns.gone.map((pattern) => (
          <Message key={pattern.pattern} pattern={pattern} />
        ))}
      </Side>
    </>
  );
}

interface SideProps {
  title: string;
  sign: "+" | "−";
  there: boolean;
  children: ComponentChildren;
}

function Side({ title, sign, there, children }: SideProps) {
  if (!there) return null;
  return (
    <section class={sign === "+" ? "gained" : "gained gone"}>
      <h3>
        <i aria-hidden="true">{sign}</i> {title}
      </h3>
      <ul class="run-errors">{children}</ul>
    </section>
  );
}

function Message({ pattern }: { pattern: RunPattern }) {
  return (
    <li class="row">
      <Level level={pattern.level} />
      <a class="mono clip grow" href={link("/logs", { log: pattern.example_id })}>
        <Text value={pattern.pattern} limit={300} />
      </a>
      <span class="dim">×{count(pattern.count)}</span>
    </li>
  );
}
