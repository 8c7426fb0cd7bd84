import Glibc
import ImgTasks
import ImgTestKit

/// A server written in Python, for what the scripted one does not speak: TLS, Unix sockets.
///
/// Made certificates and sockets live in a directory of its own that goes with it.
final class ForeignServer: Sendable {
    private let scratch: Scratch
    /// The first line the server printed.
    let announcement: String
    private let process: pid_t

    /// Starts `python3 -c script directory` and waits for its first line of output.
    init(script: String) throws {
        scratch = try Scratch()
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw ScratchError(description: "pipe: errno \(errno)") }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        defer { close(ends[0]) }
        process = try Self.spawn(["python3", "-c", script, scratch.path], output: ends[1])
        close(ends[1])
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe read(ends[0], &byte, 1) == 1, byte != 0x0A { line.append(byte) }
        announcement = String(decoding: line, as: UTF8.self)
        guard !line.isEmpty else { throw ScratchError(description: "the python3 test server did not start") }
    }

    deinit {
        kill(process, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(process, &status, 0)
    }

    /// The path of one of its files.
    subscript(_ name: String) -> String { scratch[name] }

    /// The certificate of the authority that signed the server's.
    func authority() throws -> [UInt8] { Array(try scratch.read("ca.pem").utf8) }

    private static func spawn(_ arguments: [String], output: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        var pointers = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        var process = pid_t()
        let status = unsafe posix_spawnp(&process, arguments[0], &actions, nil, pointers, environ)
        guard status == 0 else { throw ScratchError(description: "cannot start \(arguments[0]): error \(status)") }
        return process
    }
}

extension ForeignServer {
    /// Starts a server without holding up other tests.
    private static func start(_ script: String) async throws -> ForeignServer {
        try await BlockingPool(threads: 1).run { try ForeignServer(script: script) }
    }

    /// An HTTPS server whose certificate, signed by the CA in `ca.pem`, names 127.0.0.1 or `name`.
    static func tls(
        name: String = "IP:127.0.0.1",
        days: Int = 2,
        wantsClientCertificate: Bool = false
    ) async throws -> ForeignServer {
        try await start(
            """
            import http.server, ssl, subprocess, sys, os
            d = sys.argv[1]; os.chdir(d)
            log = open('openssl.log', 'w')
            def openssl(*a, **k): subprocess.run(['openssl', *a], check=True, stdout=log, stderr=log, **k)
            openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
                    '-subj', '/CN=imgbuild test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
            for who in ('server', 'client'):
                openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=' + who,
                        '-keyout', who + '.key', '-out', who + '.csr')
                openssl('x509', '-req', '-in', who + '.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
                        '-days', '\(days)', '-extfile', '/dev/stdin', '-out', who + '.pem',
                        input=b'subjectAltName=\(name)')
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain('server.pem', 'server.key')
            if \(wantsClientCertificate ? "True" : "False"):
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations('ca.pem')
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = 'HTTP/1.1'
                def log_message(self, *a): pass
                def do_GET(self):
                    peer = self.connection.getpeercert() or {}
                    names = [v for part in peer.get('subject', ()) for k, v in part if k == 'commonName']
                    body = ('hello ' + ','.join(names)).encode()
                    self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
                    self.wfile.write(body)
                def do_PUT(self):
                    left = int(self.headers['Content-Length'])
                    while left > 0: left -= len(self.rfile.read(min(left, 65536)))
                    self.send_response(201); self.send_header('Content-Length', '0'); self.end_headers()
            server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            print(server.server_address[1], flush=True)
            sys.stderr = open(os.devnull, 'w')
            server.serve_forever()
            """
        )
    }

    /// An HTTP server on the Unix socket `socket`.
    static func unixSocket() async throws -> ForeignServer {
        try await start(
            """
            import socket, sys
            listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1] + '/socket'); listener.listen()
            print('ready', flush=True)
            while True:
                peer, _ = listener.accept()
                seen = b''
                while b'\\r\\n\\r\\n' not in seen: seen += peer.recv(4096)
                body = seen.split(b'\\r\\n')[0]
                peer.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body); peer.close()
            """
        )
    }
}
