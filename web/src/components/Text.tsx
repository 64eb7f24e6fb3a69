/** Text that was stored, shown as what it is: never markup, nothing invisible. */

import { marked } from "../text/query";
import { clip, type Piece, visible } from "../text/visible";

interface Props {
  value: string;
  /** Words to mark. */
  marks?: string[];
  /** Keep line breaks and tabs. */
  multiline?: boolean;
  /** Show no more than so many characters. */
  limit?: number;
}

const NONE: string[] = [];

export function Text({ value, marks = NONE, multiline = false, limit = 0 }: Props) {
  const text = limit > 0 ? clip(value, limit) : value;
  const pieces = visible(text, multiline);
  if (pieces.length === 1 && marks.length === 0) return <>{pieces[0]?.text}</>;
  return <>{pieces.map((piece) => (piece.control ? symbol(piece) : withMarks(piece.text, marks)))}</>;
}

function symbol(piece: Piece) {
  return (
    <i class="control" title={piece.name}>
      {piece.text}
    </i>
  );
}

function withMarks(text: string, marks: string[]) {
  const parts = marked(text, marks);
  return parts.length === 1 ? text : parts.map((part, at) => (at % 2 === 1 ? <mark>{part}</mark> : part));
}
