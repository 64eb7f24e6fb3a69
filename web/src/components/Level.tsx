import type { Level as Name } from "../api/types";

/** A level as a letter with its colour; the whole word for those who ask. */
export function Level({ level, word = false }: { level: Name; word?: boolean }) {
  return (
    <span class={`level level-${level.toLowerCase()}${word ? " level-word" : ""}`} title={level}>
      {word ? level : (level[0] ?? "?")}
    </span>
  );
}
