import { Copy } from "./Copy";
import { Text } from "./Text";

/** Frames of installed packages and of Python itself: rarely where the fault is. */
const LIBRARY = /(site-packages|dist-packages|[\\/]lib[\\/]python\d|<frozen )/;

/** A stack trace; frames of the application stand out from those of libraries. */
export function Stack({ text, title }: { text: string; title: string }) {
  let library = false;
  const lines = text.split("\n").map((line, at) => {
    const file = /^\s*File "([^"]*)"/.exec(line);
    if (file) library = LIBRARY.test(file[1] as string);
    else if (!line.startsWith("    ")) library = false;
    return (
      <span key={at} class={library ? "stack-library" : file ? "stack-own" : ""}>
        <Text value={line} multiline />
        {"\n"}
      </span>
    );
  });
  return (
    <section class="stack">
      <h3 class="row">
        <span class="grow">{title}</span>
        <Copy text={text} label="Copy the stack trace" />
      </h3>
      <pre tabIndex={0}>{lines}</pre>
    </section>
  );
}
