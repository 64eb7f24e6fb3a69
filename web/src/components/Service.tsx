import { serviceColour } from "../state/server";
import { visibleString } from "../text/visible";

/** A service's name with its colour. */
export function Service({ name }: { name: string }) {
  return (
    <span class="service clip">
      <i class={`dot service-${serviceColour(name)}`} />
      {visibleString(name)}
    </span>
  );
}
