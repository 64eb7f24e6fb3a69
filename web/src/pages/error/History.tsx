import { useSignal } from "@preact/signals";
import { get, post } from "../../api/client";
import type { Change } from "../../api/errors";
import { Failed } from "../../components/States";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { ago, exact } from "../../text/format";

interface Props {
  url: string;
  /** Changes when something was decided. */
  version: string;
  reload: () => void;
}

/** Who decided what and when, and what they said. */
export function History({ url, version, reload }: Props) {
  const told = useSignal(0);
  const answer = useResource(`${url} ${version} ${told.value}`, (signal) =>
    get<{ history: Change[] }>(`${url}/history`, signal),
  );
  const draft = useSignal("");
  const trouble = useSignal("");
  const send = async (event: Event) => {
    event.preventDefault();
    const text = draft.value.trim();
    if (text === "") return;
    try {
      await post(`${url}/comments`, { text });
      draft.value = "";
      trouble.value = "";
      told.value += 1;
      reload();
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error);
    }
  };
  if (answer.failure.value) return <Failed failure={answer.failure.value} retry={answer.retry} />;
  return (
    <div class="history">
      <form class="row" onSubmit={(event) => void send(event)}>
        <input
          class="input grow"
          aria-label="Comment"
          placeholder="Say something to whoever looks next"
          value={draft.value}
          onInput={(event) => {
            draft.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button" disabled={draft.value.trim() === ""}>
          Comment
        </button>
      </form>
      {trouble.value && (
        <p class="failed-count" role="alert">
          {trouble.value}
        </p>
      )}
      <ol>
        {(answer.data.value?.history ?? []).map((change, at) => (
          <li key={at} class="history-item">
            <time class="dim" dateTime={change.time} title={exact(change.time, zone.value)}>
              {ago(change.time)}
            </time>
            <b>
              <Text value={change.actor} limit={100} />
            </b>
            <span>
              <Text value={change.action} limit={100} />
              {(change.before || change.after) && change.before !== change.after && (
                <span class="dim">
                  {" "}
                  <Text value={`${change.before ?? "nobody"} → ${change.after ?? "nobody"}`} limit={300} />
                </span>
              )}
            </span>
            {change.note && (
              <p>
                <Text value={change.note} multiline limit={4000} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}
