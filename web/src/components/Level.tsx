import type { Level as Name } from "../api/types";

interface Props {
  level: Name;
  /** The whole word instead of its letter. */
  word?: boolean;
  role?: "gridcell";
}

/** A level as a letter with its colour; the whole word for those who ask. */
export function Level({ level, word = false, role }: Props) {
  return (
    <span class={`level level-${level.toLowerCase()}${word ? " level-word" : ""}`} title={level} role={role}>
      {word ? level : (level[0] ?? "?")}
    </span>
  );
}
