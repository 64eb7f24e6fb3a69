import { useSignal } from "@preact/signals";
import { Failure, post, tokenWanted } from "../api/client";
import { Dialog } from "../components/Dialog";

/** Asks for the token of a server beyond loopback; the server gives a cookie for it. */
export function TokenAsked() {
  const text = useSignal("");
  const refused = useSignal("");
  const close = () => {
    tokenWanted.value = false;
  };
  const signIn = async (event: Event) => {
    event.preventDefault();
    try {
      await post("/v1/session", { token: text.value.trim() });
      window.location.reload();
    } catch (error) {
      refused.value =
        error instanceof Failure && error.status === 401 ? "That is not this server's token." : String(error);
    }
  };
  return (
    <Dialog label="Token" close={close} class="token">
      <form onSubmit={signIn}>
        <h2>This server asks for a token</h2>
        <p class="dim">
          It is the one that the server was started with: its <code>PLAINVIEW_TOKEN</code>.
        </p>
        <label class="row">
          <span>Token</span>
          <input
            class="input grow"
            type="password"
            autocomplete="current-password"
            aria-invalid={refused.value !== ""}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button primary">
            Continue
          </button>
        </label>
        {refused.value && (
          <p class="failed-count" role="alert">
            {refused.value}
          </p>
        )}
      </form>
    </Dialog>
  );
}
