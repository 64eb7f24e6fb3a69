import { useSignal } from "@preact/signals";
import { tokenWanted } from "../api/client";
import { Dialog } from "../components/Dialog";
import { token } from "../state/preferences";

/** Asks for the token of a server beyond loopback, and keeps it in this browser. */
export function TokenAsked() {
  const text = useSignal(token.peek());
  const close = () => {
    tokenWanted.value = false;
  };
  return (
    <Dialog label="Token" close={close} class="token">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          token.value = text.value.trim();
          window.location.reload();
        }}
      >
        <h2>This server asks for a token</h2>
        <p class="dim">It is the server's PLAINVIEW_TOKEN. It is kept in this browser only.</p>
        <label class="row">
          <span>Token</span>
          <input
            class="input grow"
            type="password"
            autocomplete="current-password"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button primary">
            Continue
          </button>
        </label>
      </form>
    </Dialog>
  );
}
