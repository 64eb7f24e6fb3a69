import { Icon } from "./Icon";

interface Props {
  ticked: boolean;
  onTick: () => void;
}

/** A box that chooses the row it stands in; the row is not opened by it. */
export function TickBox({ ticked, onTick }: Props) {
  return (
    <button
      type="button"
      class="tick-box"
      role="checkbox"
      aria-checked={ticked}
      aria-label="Choose"
      onClick={(event) => {
        event.stopPropagation();
        onTick();
      }}
    >
      {ticked && <Icon name="check" size={12} />}
    </button>
  );
}
