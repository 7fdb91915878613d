#!/usr/bin/python3
"""A plug-in frontend on the bus: lists reviews and votes.

  holdpoint keys issue frontend chat-1                  # its identity file
  frontend.py IDENTITY list
  frontend.py IDENTITY approve|reject REVIEW TOKEN [REASON]   (TOKEN: a file with the reviewer's token, "-" for stdin)
"""
import base64, json, struct, sys, time, uuid
import zmq, zmq.utils.z85


def ask(identity, message, body, seconds=5):
    key = lambda name: zmq.utils.z85.encode(base64.b64decode(identity[name]))
    text = lambda value: bytes([len(value.encode())]) + value.encode()
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger, socket.rcvtimeo = 0, seconds * 1000
    socket.curve_publickey, socket.curve_secretkey = key("curve_public"), key("curve_secret")
    socket.curve_serverkey = key("bus_public")
    socket.connect(identity["bus_endpoint"])
    head = struct.pack(">2sBB16sQQB", b"HP", 1, 1, uuid.uuid4().bytes, int((time.time() + seconds) * 1000), 0, 0)
    socket.send_multipart([head + text("reviews") + text(message) + text("") + text(""), json.dumps(body).encode()])
    answer = json.loads(socket.recv_multipart()[1])
    return sys.exit(f"{answer['code']}: {answer['message']}") if "code" in answer else answer


def main(file, verb, review=None, token=None, reason=""):
    with open(file, encoding="utf-8") as opened:
        identity = json.load(opened)
    if verb == "list":
        for each in ask(identity, "ReviewsRequested", {"limit": 50})["reviews"]:
            print(*(ascii(str(each.get(name, "")))[1:-1] for name in ("review_id", "state", "principal", "service", "operation")))
    else:
        secret = (sys.stdin if token == "-" else open(token, encoding="utf-8")).read().strip()
        print(ask(identity, "VoteCast", {"review_id": review, "verdict": verb, "reason": reason, "token": secret})["state"])


main(*sys.argv[1:])
