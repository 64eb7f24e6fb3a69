import { Dialog } from "../components/Dialog";
import { Icon } from "../components/Icon";
import { MOD } from "../state/keyboard";

const KEYS: [string, string][] = [
  ["/", "write a query"],
  ["j  k", "next, previous row"],
  ["Enter", "open the row"],
  ["Esc", "close the panel, leave the field"],
  ["[  ]", "previous, next record in the panel"],
  ["←  →", "trace: fold, unfold a span"],
  ["n  N", "trace: next, previous span found"],
  ["z  0", "trace: zoom to the span, show all"],
  ["e  a  i", "errors: resolve, acknowledge, ignore"],
  ["x  m", "errors: choose, merge the chosen"],
  ["x  c", "runs: choose, compare the chosen"],
  ["u", "error, job: back to the list"],
  ["t", "time range"],
  ["r", "refresh"],
  ["l", "live"],
  [`${MOD} K`, "go to a page or any id"],
  ["?", "this help"],
];

const QUERY: [string, string][] = [
  ["timeout", "in the message, in any case"],
  ['"connection reset"', "a phrase"],
  ["level:error", "this level and above (level:=error: this one alone)"],
  ["service:api,worker", "one of these"],
  ["logger:studio.*", "begins with"],
  ["job:*", "the field is there"],
  ["duration:>500", "more than, in ms (or 1.5s)"],
  ["extra.step:3", "a field of the record's own"],
  ["-logger:noisy", "not"],
];

/** Keys and query language on one card. */
export function Help({ close }: { close: () => void }) {
  return (
    <Dialog label="Help" close={close} class="help">
      <header class="row">
        <h2 class="grow">Keys and queries</h2>
        <button type="button" class="button bare square" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="help-columns">
        <Table rows={KEYS} name="Keys" />
        <Table rows={QUERY} name="Queries" />
      </div>
      <p class="dim">
        Every value is a link: click keeps only what has it, alt-click shuts it out. Drag over a chart to zoom
        into the time. Terms of a query must all hold. The address bar holds all you see: copy it to share it.
      </p>
    </Dialog>
  );
}

function Table({ rows, name }: { rows: [string, string][]; name: string }) {
  return (
    <section>
      <h3>{name}</h3>
      <dl class="help-table">
        {rows.map(([left, right]) => (
          <div key={left}>
            <dt>
              {name === "Keys" ? (
                left.split("  ").map((key) => <kbd key={key}>{key}</kbd>)
              ) : (
                <code>{left}</code>
              )}
            </dt>
            <dd>{right}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
