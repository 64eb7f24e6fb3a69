import { useMemo, useRef } from "preact/hooks";
import { type OperationDetail, readOperation } from "../../api/operations";
import { Empty, Failed, Late, Skeleton, Stale } from "../../components/States";
import { useKeys } from "../../state/keyboard";
import { link, navigate, param, path, unescaped } from "../../state/location";
import { useResource } from "../../state/resource";
import { pathOf } from "../operations/kinds";
import { Events } from "./Events";
import { Facts } from "./Facts";
import { Head } from "./Head";
import { LogLines } from "./LogLines";
import { timeLine } from "./model";
import { Timeline } from "./Timeline";
import "./operation.css";

/** How often one that goes on is asked for again. */
const EVERY_MS = 2000;

const kindParam = param("kind");

/** One operation: how it stands, what it is made of, what it told, what was logged in it. */
export default function OperationPage() {
  const id = unescaped(path.value.split("/")[2] ?? "");
  const open = useRef(true);
  const at = useRef(Date.now());
  const answer = useResource(
    `${id} ${kindParam.value}`,
    async (signal) => {
      const found = await readOperation(id, kindParam.value, signal);
      at.current = Date.now();
      open.current = found.operation.ended_at === null;
      return found;
    },
    0,
    open.current ? EVERY_MS : 0,
  );
  const detail = answer.data.value;
  const failure = answer.failure.value;
  const up = () => navigate(link(pathOf(detail?.operation.kind ?? "job")));
  useKeys({ u: up, Escape: up });
  if (!detail) {
    if (failure?.status === 404) return <Unknown id={id} retry={answer.retry} />;
    if (failure) return <Failed failure={failure} retry={answer.retry} />;
    return <div class="operation-page">{answer.slow.value && <Skeleton rows={20} />}</div>;
  }
  return (
    <div class="operation-page">
      <Late on={answer.slow.value && !open.current} />
      {failure && <Stale failure={failure} retry={answer.retry} />}
      <Shown detail={detail} since={at.current} />
    </div>
  );
}

function Shown({ detail, since }: { detail: OperationDetail; since: number }) {
  const { operation, events } = detail;
  const line = useMemo(() => timeLine(detail, since), [detail]);
  return (
    <>
      <Head detail={detail} since={since} />
      <div class="operation-body">
        <div class="operation-main">
          <Timeline line={line} events={events} />
          <Events events={events} from={line.from} />
          <LogLines logs={detail.logs} version={`${operation.last_seen} ${detail.logs.count}`} />
        </div>
        <Facts detail={detail} />
      </div>
    </>
  );
}

function Unknown({ id, retry }: { id: string; retry: () => void }) {
  return (
    <Empty title="No such operation">
      <p>Nothing is stored under this id: it is past retention, or has not come in yet.</p>
      <p>
        <code>{id}</code>
      </p>
      <p class="row">
        <button type="button" class="button" onClick={retry}>
          Look again
        </button>
        <a class="button" href={link("/logs", { q: id, from: "-30d" })}>
          Search the logs for it
        </a>
        <a class="button" href={link("/jobs")}>
          All jobs
        </a>
      </p>
    </Empty>
  );
}
