"""`holdpoint mask --bench` on a small corpus: what it reads, what it reports, what it says of a file that is none."""
import base64
import gzip
import json
import subprocess

from harness import BIN

ITEM = {"Items": [{"id": {"S": "order-1"}, "note": {"S": "left at the door"}}]}
DYNAMODB = {"service": "dynamodb", "operation": "Scan", "protocol": "json"}


def bench(path, *options):
    return subprocess.run([BIN / "holdpoint", "--json", "mask", "--bench", path, "--seconds", "0.02", *options],
                          capture_output=True, text=True, timeout=60)


def test_reports_rates_of_requests_and_of_labelled_documents(tmp_path):
    lines = [{"id": 1, "content_type": "application/x-amz-json-1.0", "text": json.dumps(ITEM), "meta": DYNAMODB},
             {"id": 2, "content_type": "text/plain", "b64": base64.b64encode(b"password=hunter2222").decode()},
             {"id": 3, "content_type": "text/plain", "body": "plain text", "encoding": "utf-8", "spans": []},
             {"id": 4, "content_type": "text/plain", "content_encoding": "gzip", "encoding": "base64",
              "body": base64.b64encode(gzip.compress(b"a line\n" * 20)).decode()}]
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    run = bench(path, "--workers", "2")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["documents"], told["clean_json_documents"]) == (4, 1)
    assert [one["workers"] for one in told["workers"]] == [1, 2]
    for rate in ("mixed_mb_per_second", "clean_json_mb_per_second", "line_protocol_mb_per_second", "dynamodb_64_kib_us"):
        assert told[rate] > 0


def test_names_the_line_that_is_no_document(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"content_type":"text/plain","text":"x"}\nnot JSON\n')
    run = bench(path)
    assert run.returncode != 0
    assert "line 2" in run.stderr
    assert "from 1 to" in bench(path, "--workers", "0").stderr


def test_refuses_what_it_cannot_measure(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"content_type":"text/plain","text":"x"}\n')
    for seconds in ("0", "-1", "nan", "1e9"):
        run = subprocess.run([BIN / "holdpoint", "mask", "--bench", path, "--seconds", seconds],
                             capture_output=True, text=True, timeout=60)
        assert run.returncode != 0 and "--seconds" in run.stderr, seconds
    for other in (["--jsonl"], ["--explain"], ["--report-only"], ["--config", "holdpoint.yaml"]):
        run = bench(path, *other)
        assert run.returncode != 0 and "excludes" in run.stderr, run.stderr
