"""A POP3 server that speaks SASL GSSAPI by the system's own library, and is free to lie in it.

usage: KRB5_KTNAME=KEYTAB gssapi-server.py PORT OFFER [--sealed]
  OFFER     hex of what is wrapped where RFC 4752 has the security layers: 01000000 is honest
  --sealed  wraps it encrypted
It prints each token that it sends or gets as `token BASE64`, what the client's answer holds as `heard HEX`, and `cancelled`. It ends
each session with a refusal that repeats the client's last line, as servers do.
"""
import base64
import socketserver
import sys

import gssapi

PORT, OFFER, SEALED = int(sys.argv[1]), bytes.fromhex(sys.argv[2]), '--sealed' in sys.argv


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode('ascii') + b'\r\n')

    def challenge(self, octets):
        token = base64.b64encode(octets).decode('ascii')
        print('token', token, flush=True)
        self.say('+ ' + token)

    def hear(self):
        line = self.rfile.readline().rstrip(b'\r\n')
        print('token', line.decode('ascii'), flush=True)
        if line == b'*':
            print('cancelled', flush=True)
            raise ConnectionAbortedError
        return base64.b64decode(line)

    def handle(self):
        self.say('+OK ready')
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b'CAPA':
                self.say('+OK\r\nSASL GSSAPI\r\n.')
            elif verb == b'AUTH':
                try:
                    self.log_in()
                except ConnectionAbortedError:
                    self.say('-ERR cancelled')
            else:
                self.say('-ERR not here')

    def log_in(self):
        context = gssapi.SecurityContext(usage='accept')
        self.say('+ ')
        while not context.complete:
            self.challenge(context.step(self.hear()) or b'')
        self.hear()
        self.challenge(context.wrap(OFFER, SEALED).message)
        answer = self.hear()
        print('heard', context.unwrap(answer).message.hex(), flush=True)
        self.say('-ERR I do not like ' + base64.b64encode(answer).decode('ascii'))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(('127.0.0.1', PORT), Session).serve_forever()
