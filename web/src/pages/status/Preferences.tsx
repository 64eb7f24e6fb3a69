import { get, send } from "../../api/client";
import { theme, zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { zoneName } from "../../text/format";

/** What this browser keeps for its person. */
export function Preferences() {
  return (
    <section aria-label="This browser">
      <h2>This browser</h2>
      <dl class="preferences">
        <div>
          <dt id="pref-theme">Theme</dt>
          <dd>
            <div class="group" role="group" aria-labelledby="pref-theme">
              {(["", "light", "dark"] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  class={theme.value === name ? "button on" : "button"}
                  aria-pressed={theme.value === name}
                  onClick={() => {
                    theme.value = name;
                  }}
                >
                  {name === "" ? "As the system" : name === "light" ? "Light" : "Dark"}
                </button>
              ))}
            </div>
          </dd>
        </div>
        <div>
          <dt id="pref-zone">Times in</dt>
          <dd>
            <div class="group" role="group" aria-labelledby="pref-zone">
              {(["local", "utc"] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  class={zone.value === name ? "button on" : "button"}
                  aria-pressed={zone.value === name}
                  onClick={() => {
                    zone.value = name;
                  }}
                >
                  {name === "utc" ? "UTC" : `Local (${zoneName("local")})`}
                </button>
              ))}
            </div>
          </dd>
        </div>
        <SignOut />
      </dl>
    </section>
  );
}

/** Shown where a token was asked for. */
function SignOut() {
  const session = useResource("session", (signal) => get<{ required: boolean }>("/v1/session", signal));
  if (!session.data.value?.required) return null;
  const signOut = async () => {
    await send("/v1/session", { method: "DELETE" });
    window.location.reload();
  };
  return (
    <div>
      <dt>Signed in</dt>
      <dd>
        <button type="button" class="button" onClick={signOut}>
          Sign out
        </button>
      </dd>
    </div>
  );
}
