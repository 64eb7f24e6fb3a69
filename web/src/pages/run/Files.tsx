import type { RunFile } from "../../api/runs";
import { Copy } from "../../components/Copy";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { bytes, exact } from "../../text/format";

/** Files that the run left behind. */
export function Files({ artifacts, backups }: { artifacts: RunFile[]; backups: RunFile[] }) {
  const files = [
    ...backups.map((file) => ({ ...file, kind: "backup" })),
    ...artifacts.map((file) => ({ ...file, kind: "artifact" })),
  ];
  if (files.length === 0) return null;
  return (
    <section class="run-part" aria-labelledby="run-files">
      <h2 id="run-files">Artifacts and backups</h2>
      <ul class="run-files">
        {files.map((file, at) => (
          <li key={at} class="row" title={exact(file.timestamp, zone.value)}>
            <span class="dim run-file-kind">{file.kind}</span>
            <span class="mono clip grow">
              <Text value={file.path} limit={500} />
            </span>
            <span class="dim">{file.bytes === null ? "" : bytes(file.bytes)}</span>
            <Copy text={file.path} label="Copy the path" />
          </li>
        ))}
      </ul>
    </section>
  );
}
