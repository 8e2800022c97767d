// SPDX-License-Identifier: GPL-2.0

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Java's TLS as a client or server. The words are those of peer.c; store= is a PKCS #12 file. */
public final class Peer {
    private static final char[] PASSWORD = "interop".toCharArray();

    private Peer() {
    }

    private static String[] versions(Map<String, String> words) {
        int min = words.getOrDefault("min", "1.2").charAt(2) - '0';
        int max = words.getOrDefault("max", "1.3").charAt(2) - '0';
        String[] names = new String[max - min + 1];
        for (int i = 0; i < names.length; i++) {
            names[i] = min + i == 0 ? "TLSv1" : "TLSv1." + (min + i);
        }
        return names;
    }

    private static KeyManager[] keys(String store) throws Exception {
        if (store == null) {
            return null;
        }
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
        factory.init(keys, PASSWORD);
        return factory.getKeyManagers();
    }

    private static SSLContext context(Map<String, String> words) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream in = new FileInputStream(words.get("ca"))) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            trusted.setCertificateEntry("ca", factory.generateCertificate(in));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys(words.get("store")), factory.getTrustManagers(), null);
        return context;
    }

    private static void ask(
            SSLContext context, String host, int port, Map<String, String> words, byte[] request)
            throws Exception {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port)) {
            socket.setEnabledProtocols(versions(words));
            if ("1".equals(words.get("ssl2"))) {
                // A ClientHello in SSL2's format, which TLS answers.
                socket.setEnabledProtocols(
                        new String[] {"SSLv2Hello", "TLSv1", "TLSv1.1", "TLSv1.2"});
            }
            socket.startHandshake();
            if ("1".equals(words.get("renegotiate"))) {
                socket.startHandshake();
            }
            socket.getOutputStream().write(request);
            socket.getInputStream().transferTo(System.out);
            System.out.flush();
        }
    }

    private static void answer(SSLSocket socket, byte[] data) throws Exception {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 14];
        int got = 0;
        while (!request.toString("ISO-8859-1").contains("\r\n\r\n")
                && (got = socket.getInputStream().read(buffer)) > 0) {
            request.write(buffer, 0, got);
        }
        OutputStream out = socket.getOutputStream();
        out.write(data);
        out.write(request.toByteArray());
        out.flush();
    }

    private static void serve(SSLContext context, int port, Map<String, String> words)
            throws Exception {
        byte[] data = Files.readAllBytes(Path.of(words.get("data")));
        SSLServerSocket listener =
                (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port);
        listener.setEnabledProtocols(versions(words));
        listener.setNeedClientAuth("1".equals(words.get("auth")));
        while (true) {
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
                answer(socket, data);
            } catch (java.io.IOException refused) {
                System.err.println(refused);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Map<String, String> words = new HashMap<>();
        for (int i = 3; i < arguments.length; i++) {
            String[] parts = arguments[i].split("=", 2);
            words.put(parts[0], parts[1]);
        }
        SSLContext context = context(words);
        int port = Integer.parseInt(arguments[2]);
        if (arguments[0].equals("server")) {
            serve(context, port, words);
        }
        byte[] request = System.in.readAllBytes();
        int connections = Integer.parseInt(words.getOrDefault("connections", "1"));
        for (int i = 0; i < connections; i++) {
            ask(context, arguments[1], port, words, request);
        }
    }
}
