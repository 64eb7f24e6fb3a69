import type { Check } from "../../api/runs";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { clock, exact } from "../../text/format";
import { Result } from "../runs/Marks";
import { fieldText, oneLine, thresholdText } from "./fields";

const WORST = ["fail", "warning", "pass"];

/** What was measured of the data, those first that did not pass. */
export function Checks({ checks }: { checks: Check[] }) {
  const sorted = [...checks].sort((one, other) => WORST.indexOf(one.result) - WORST.indexOf(other.result));
  return (
    <section class="run-part" aria-labelledby="run-checks">
      <h2 id="run-checks">Checks</h2>
      {checks.length === 0 ? (
        <p class="dim run-none">
          None: <code>run.check("rows", rows, min=1)</code> makes one.
        </p>
      ) : (
        <div class="scroll-x run-scroll">
          <table class="table">
            <thead>
              <tr>
                <th>Result</th>
                <th>Check</th>
                <th class="number">Value</th>
                <th>Thresholds</th>
                <th class="number">Time</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((check, at) => (
                <tr key={at}>
                  <td>
                    <Result result={check.result} />
                  </td>
                  <td>
                    <Text value={check.name} limit={120} />
                    <span class="dim">
                      <Text value={fieldText(check.fields)} limit={200} />
                    </span>
                  </td>
                  <td class="number">
                    <Text value={oneLine(check.value)} limit={80} />
                  </td>
                  <td class="dim">
                    <Text value={thresholdText(check.thresholds)} limit={120} />
                  </td>
                  <td class="number dim" title={exact(check.timestamp, zone.value)}>
                    {clock(check.timestamp, zone.value).slice(0, 8)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
