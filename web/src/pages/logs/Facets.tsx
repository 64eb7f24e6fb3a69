import { useSignal } from "@preact/signals";
import { post } from "../../api/client";
import { type FacetField, LEVELS, type Level as LevelName } from "../../api/types";
import { Facet } from "../../components/Facet";
import { Icon } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Menu } from "../../components/Menu";
import { Service } from "../../components/Service";
import { Failed, Late, Skeleton } from "../../components/States";
import { update } from "../../state/location";
import { useResource } from "../../state/resource";
import { chosen, tokenise, withoutField } from "../../text/query";
import { loadFields } from "./fields";
import { countsKey, extraFacets, filter, pick, query } from "./filter";

const FEW = 8;
const ALL = 500;
/** Fields that are folded away until somebody wants them. */
const FOLDED = new Set([
  "host",
  "user_id",
  "project_id",
  "session_id",
  "tenant_id",
  "batch_id",
  "run_id",
  "job_id",
]);

/** Fields that the query has a plain list for: they count over everything else, so that more can be added. */
function chosenFields(text: string): string[] {
  const names = new Set(tokenise(text).flatMap((term) => (term.field ? [term.field] : [])));
  return [...names].filter((name) => chosen(text, name).length + chosen(text, name, true).length > 0);
}

async function load(all: string | null, signal: AbortSignal): Promise<FacetField[]> {
  const ask = async (body: object) =>
    (
      await post<{ facets: FacetField[] }>(
        "/v1/logs/facets",
        { ...filter.value, limit: FEW, ...body },
        signal,
      )
    ).facets;
  const own = chosenFields(query.value);
  const more = extraFacets.value.filter((field) => !own.includes(field));
  const special = own.map((field) =>
    ask({ fields: [field], q: withoutField(query.value, field), limit: field === all ? ALL : FEW }),
  );
  if (all !== null && !own.includes(all)) special.push(ask({ fields: [all], limit: ALL }));
  if (more.length > 0) special.unshift(ask({ fields: more }));
  const [usual, ...others] = await Promise.all([ask({}), ...special]);
  const found = new Map((usual ?? []).map((facet) => [facet.field, facet]));
  for (const facet of others.flat()) found.set(facet.field, facet);
  return [...found.values()];
}

/** Fields at the left with their values and counts. */
export function Facets() {
  const all = useSignal<string | null>(null);
  const folded = useSignal<Record<string, boolean>>({});
  const answer = useResource(`${countsKey.value} ${all.value} ${extraFacets.value}`, (signal) =>
    load(all.value, signal),
  );
  const facets = answer.data.value;
  if (!facets) {
    if (answer.failure.value)
      return (
        <aside class="facets" aria-label="Facets">
          <Failed failure={answer.failure.value} retry={answer.retry} />
        </aside>
      );
    return (
      <aside class="facets" aria-label="Facets">
        {answer.slow.value && <Skeleton rows={16} />}
      </aside>
    );
  }
  return (
    <aside class="facets" aria-label="Facets">
      <Late on={answer.slow.value} />
      {facets.map((facet) => {
        const on = chosen(query.value, facet.field);
        const out = chosen(query.value, facet.field, true);
        const usual = !FOLDED.has(facet.field) || on.length + out.length > 0;
        const open = folded.value[facet.field] ?? usual;
        return (
          <Facet
            key={facet.field}
            field={facet.field}
            values={ordered(facet)}
            more={facet.more}
            chosen={on}
            excluded={out}
            onPick={(value, exclude) => pick(facet.field, value, exclude)}
            expanded={all.value === facet.field}
            onExpand={() => {
              all.value = all.value === facet.field ? null : facet.field;
            }}
            open={open}
            onOpen={() => {
              folded.value = { ...folded.value, [facet.field]: !open };
            }}
            {...drawing(facet.field)}
          />
        );
      })}
      <MoreFields shown={facets.map((facet) => facet.field)} />
    </aside>
  );
}

/** Levels by how severe they are, the rest by how many. */
function ordered(facet: FacetField): FacetField["values"] {
  if (facet.field !== "level") return facet.values;
  const rank = (value: unknown) => LEVELS.indexOf(value as LevelName);
  return [...facet.values].sort((a, b) => rank(a.value) - rank(b.value));
}

function drawing(field: string) {
  if (field === "level") {
    return {
      draw: (value: string) => (
        <span class="row">
          <Level level={value as LevelName} />
          {value}
        </span>
      ),
    };
  }
  return field === "service" ? { draw: (value: string) => <Service name={value} /> } : {};
}

function MoreFields({ shown }: { shown: string[] }) {
  return (
    <div class="facets-more">
      <Menu label="Another field" text="Another field" class="small">
        {(close) => (
          <FieldList
            shown={shown}
            onPick={(field) => {
              const now = extraFacets.value;
              update({
                facets: (now.includes(field) ? now.filter((each) => each !== field) : [...now, field]).join(
                  ",",
                ),
              });
              close();
            }}
          />
        )}
      </Menu>
    </div>
  );
}

/** Names of fields to choose from, the chosen ones ticked. */
export function FieldList({ shown, onPick }: { shown: string[]; onPick: (field: string) => void }) {
  const needle = useSignal("");
  const fields = useResource("fields", loadFields);
  const names = (fields.data.value ?? [])
    .map((each) => each.field)
    .filter(
      (name) =>
        name !== "message" && name !== "timestamp" && name.toLowerCase().includes(needle.value.toLowerCase()),
    );
  return (
    <>
      <input
        class="input menu-find"
        placeholder="Find a field"
        aria-label="Find a field"
        value={needle.value}
        onInput={(event) => {
          needle.value = event.currentTarget.value;
        }}
      />
      <div class="menu-scroll">
        {names.map((name) => (
          <button
            key={name}
            type="button"
            class="menu-item"
            aria-pressed={shown.includes(name)}
            onClick={() => onPick(name)}
          >
            <span class="menu-check">{shown.includes(name) && <Icon name="check" size={14} />}</span>
            <span class="grow clip">{name}</span>
          </button>
        ))}
      </div>
    </>
  );
}
