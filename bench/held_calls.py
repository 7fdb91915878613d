"""What bench/parked.py talks with: a seat on the bus, signed calls that wait, and the process that holds the crowd of them."""
import asyncio
import base64
import json
import multiprocessing
import select
import socket
import ssl
import struct
import time
import uuid

OPENING_PER_SECOND = 250
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


# The bus

class Seat:
    """A place on the bus with somebody's identity: requests out, answers in."""

    def __init__(self, identity):
        import zmq
        import zmq.utils.z85
        key = lambda name: zmq.utils.z85.encode(base64.b64decode(identity[name]))  # noqa: E731
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.curve_publickey, self.socket.curve_secretkey = key("curve_public"), key("curve_secret")
        self.socket.curve_serverkey = key("bus_public")
        self.socket.connect(identity["bus_endpoint"])

    def send(self, message, body, service="reviews", seconds=10):
        text = lambda value: bytes([len(value)]) + value.encode()  # noqa: E731
        id = uuid.uuid4().bytes
        head = struct.pack(">2sBB16sQQB", b"HP", 1, 1, id, int((time.time() + seconds) * 1000), 0, 0)
        self.socket.send_multipart([head + text(service) + text(message) + text("") + text(""), json.dumps(body).encode()])
        return id

    def receive(self, milliseconds):
        """Id and body of the next answer; None when none comes in time."""
        if not self.socket.poll(milliseconds):
            return None
        frames = self.socket.recv_multipart()
        return (frames[0][4:20], json.loads(frames[1])) if frames[0][3] == 2 else self.receive(milliseconds)

    def ask(self, message, body, service="reviews"):
        id = self.send(message, body, service)
        while answer := self.receive(10000):
            if answer[0] == id:
                if "code" in answer[1]:
                    raise SystemExit(f"{message}: {answer[1]}")
                return answer[1]
        raise SystemExit(f"{message}: no answer")


def review_ids(seat, wanted):
    """Review ids by the key of the item that the call would write; newest first, page after page, as a frontend lists."""
    found, before = {}, {}
    while not wanted <= found.keys():
        page = seat.ask("ReviewsRequested", {"state": "pending", "limit": 500, **before})
        for review in page["reviews"]:
            found[review["parameters"]["Item"]["id"]["S"]] = review["review_id"]
        if not page["more"]:
            break
        before = {"before": page["reviews"][-1]["review_id"]}
    if missing := wanted - found.keys():
        raise SystemExit(f"{len(missing)} calls have no review that waits, {next(iter(missing))} among them")
    return {key: found[key] for key in wanted}


# The callers

class Caller:
    """Signs calls as one of many agents."""

    def __init__(self, port, sessions):
        self.port, self.sessions = port, sessions

    def request(self, key, agent):
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        session = self.sessions[agent]
        body = json.dumps({"TableName": "orders", "Item": {"id": {"S": key}, "note": {"S": "x" * 940}}})
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem",
                   "User-Agent": "Boto3/1.26.27 Python/3.11.2 Linux/6.1 Botocore/1.29.27",
                   "amz-sdk-invocation-id": str(uuid.uuid4()), "amz-sdk-request": "attempt=1"}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", data=body, headers=headers)
        SigV4Auth(Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["Token"]),
                  "dynamodb", "eu-west-1").add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        lines += [f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()


def without_interims(data):
    while data.startswith(INTERIM):
        data = data[len(INTERIM):]
    return b"" if INTERIM.startswith(data) else data


class Crowd:
    """The calls that wait, in a process of their own: 10,000 sockets on each side are more than one process may have."""

    def __init__(self, port, authority):
        self.pipe, end = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=crowd_process, args=(end, port, authority), daemon=True)
        self.process.start()

    def open(self, keys, agents):
        """`keys` are (key, place of its agent); returns when all were sent."""
        self.pipe.send((keys, agents))
        self.pipe.recv()

    def answers(self):
        """Status line -> count of the calls that were answered."""
        self.pipe.send("answers")
        return self.pipe.recv()

    def leave(self):
        self.process.terminate()
        self.process.join()


def crowd_process(pipe, port, authority):
    asyncio.run(crowd(pipe, port, ssl.create_default_context(cafile=authority) if authority else None))


class Held(asyncio.Protocol):
    """One call of the crowd: callbacks, since hundreds of answers a second must not cost what is measured beside them."""

    def __init__(self, request, told):
        self.request, self.told, self.data, self.transport = request, told, b"", None

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.data = without_interims(self.data + data)
        if self.data:
            self.tell(self.data.split(b"\r\n", 1)[0].decode())
            self.transport.close()

    def connection_lost(self, _):
        self.tell("closed without an answer")

    def tell(self, status):
        told, self.told = self.told, None
        if told:
            told(status, self.request)


async def crowd(pipe, port, context):
    answers, making = {}, set()
    loop = asyncio.get_running_loop()

    def told(status, request):
        # A call that could not be held (nobody answered in time) is made again, and counted.
        answers[status] = answers.get(status, 0) + 1
        if " 200 " not in status:
            loop.call_later(1, make, request)

    def make(request):
        task = loop.create_task(loop.create_connection(lambda: Held(request, told), "127.0.0.1", port, ssl=context))
        making.add(task)
        task.add_done_callback(making.discard)

    async def open_all(keys, agents):
        caller = Caller(port, agents)
        begin = time.monotonic()
        for place, (key, agent) in enumerate(keys):
            make(caller.request(key, agent))
            await asyncio.sleep(max(0, begin + place / OPENING_PER_SECOND - time.monotonic()))
        pipe.send(len(keys))

    commands = asyncio.Queue()
    loop.add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
    while True:
        command = await commands.get()
        if command == "answers":
            pipe.send(dict(answers))
        else:
            await open_all(*command)


class Call:
    """One call that is timed."""

    def __init__(self, caller, key, agent):
        self.key = key
        self.socket = socket.create_connection(("127.0.0.1", caller.port))
        self.socket.sendall(caller.request(key, agent))

    def wake(self, seat, review_id, token):
        """Milliseconds from the vote to its acknowledgement, and from there to the answer's first byte."""
        self.drain()
        begin = time.monotonic()
        vote = seat.send("VoteCast", {"review_id": review_id, "verdict": "approve", "token": token})
        told = answered = None
        data = b""
        import zmq
        poller = zmq.Poller()
        poller.register(seat.socket, zmq.POLLIN)
        poller.register(self.socket.fileno(), zmq.POLLIN)
        while told is None or answered is None:
            ready = dict(poller.poll(20000))
            now = time.monotonic()
            if not ready:
                raise SystemExit(f"{self.key}: {'no answer' if told else 'no acknowledgement'} within 20 s")
            if self.socket.fileno() in ready:
                data = without_interims(data + self.socket.recv(65536))
                if data:
                    answered = now
                    poller.unregister(self.socket.fileno())
            if seat.socket in ready and (answer := seat.receive(0)) and answer[0] == vote:
                told = now
                if answer[1].get("state") != "approved":
                    raise SystemExit(f"the vote was not counted: {answer[1]}")
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{self.key} was not answered: {data[:300]!r}")
        self.socket.close()
        return (told - begin) * 1000, max(0.0, answered - told) * 1000

    def drain(self):
        while select.select([self.socket], [], [], 0)[0]:
            if without_interims(self.socket.recv(65536)):
                raise SystemExit(f"{self.key} was answered before it was decided")
