import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { update } from "../../state/location";
import { FieldList } from "./Facets";
import { asParams, columns, toggleColumn, view } from "./filter";

/** As many as the server gives at once. */
const MOST_EXPORTED = 10_000_000;

/** What is done with the lines: seen as lines or patterns, with which columns, taken away as a file. */
export function Toolbar() {
  return (
    <>
      <div class="group" role="group" aria-label="View">
        {(["lines", "patterns"] as const).map((name) => (
          <button
            key={name}
            type="button"
            class={view.value === name ? "button on" : "button"}
            aria-pressed={view.value === name}
            onClick={() => update({ view: name === "lines" ? null : name })}
          >
            <Icon name={name === "lines" ? "logs" : "patterns"} size={14} />
            {name === "lines" ? "Lines" : "Patterns"}
          </button>
        ))}
      </div>
      <Menu label="Columns" icon="columns" right on={columns.value.length > 0}>
        {() => <FieldList shown={columns.value} onPick={toggleColumn} />}
      </Menu>
      <Menu label="Export" icon="download" right>
        {(close) => (
          <>
            <p class="menu-note dim">All lines that match, newest first</p>
            {(["ndjson", "csv"] as const).map((format) => (
              <Download key={format} format={format} close={close} />
            ))}
          </>
        )}
      </Menu>
    </>
  );
}

function Download({ format, close }: { format: "ndjson" | "csv"; close: () => void }) {
  const search = asParams();
  search.set("format", format);
  search.set("limit", String(MOST_EXPORTED));
  const url = `/v1/logs/export?${search}`;
  return (
    <a class="menu-item" href={url} download={`plainview-logs.${format}`} onClick={close}>
      {format === "ndjson" ? "NDJSON, a line each" : "CSV, for a spreadsheet"}
    </a>
  );
}
