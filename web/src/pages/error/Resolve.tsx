import { useSignal } from "@preact/signals";
import { Dialog } from "../../components/Dialog";

interface Props {
  close: () => void;
  resolve: (more: { notes?: string; in_next_release?: boolean }) => void;
}

/** Asks how it was mended: the notes help whoever meets it again. */
export function Resolve({ close, resolve }: Props) {
  const notes = useSignal("");
  const next = useSignal(false);
  return (
    <Dialog label="Resolve" close={close} class="resolve">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          resolve({
            ...(notes.value.trim() ? { notes: notes.value.trim() } : {}),
            ...(next.value ? { in_next_release: true } : {}),
          });
        }}
      >
        <h2>Resolve this error</h2>
        <label class="resolve-field">
          How was it mended?
          <textarea
            class="input"
            rows={3}
            autofocus
            value={notes.value}
            onInput={(event) => {
              notes.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                event.currentTarget.form?.requestSubmit();
              }
            }}
          />
        </label>
        <label class="row">
          <input
            type="checkbox"
            checked={next.value}
            onChange={(event) => {
              next.value = event.currentTarget.checked;
            }}
          />
          The next release mends it: occurrences of this one do not count as a regression
        </label>
        <div class="row resolve-buttons">
          <span class="grow" />
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            Resolve
          </button>
        </div>
      </form>
    </Dialog>
  );
}
