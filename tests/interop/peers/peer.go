// SPDX-License-Identifier: GPL-2.0

// Go's crypto/tls as a client or server; the words are those of peer.c.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

type words map[string]string

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	check(err)
	return content
}

var groups = map[string]tls.CurveID{
	"p256": tls.CurveP256, "p384": tls.CurveP384, "x25519": tls.X25519,
	"x25519mlkem768": tls.X25519MLKEM768,
}

func version(name, otherwise string) uint16 {
	if name == "" {
		name = otherwise
	}
	return tls.VersionTLS10 + uint16(name[2]-'0')
}

func configure(given words) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read(given["ca"]))
	config := &tls.Config{
		MinVersion:             version(given["min"], "1.2"),
		MaxVersion:             version(given["max"], "1.3"),
		RootCAs:                pool,
		ClientCAs:              pool,
		ServerName:             "server.example",
		ClientSessionCache:     tls.NewLRUClientSessionCache(4),
		SessionTicketsDisabled: given["tickets"] == "0",
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	if given["cert"] != "" {
		pair, err := tls.LoadX509KeyPair(given["cert"], given["key"])
		check(err)
		config.Certificates = []tls.Certificate{pair}
	}
	if given["auth"] == "1" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if given["renegotiate"] == "1" {
		config.Renegotiation = tls.RenegotiateFreelyAsClient
	}
	for _, name := range strings.Split(given["groups"], ",") {
		if name != "" {
			config.CurvePreferences = append(config.CurvePreferences, groups[name])
		}
	}
	return config
}

func ask(address string, config *tls.Config, request []byte) {
	conn, err := tls.Dial("tcp", address, config)
	check(err)
	_, err = conn.Write(request)
	check(err)
	_, err = io.Copy(os.Stdout, conn)
	check(err)
	conn.Close()
}

func answer(conn net.Conn, data []byte) {
	defer conn.Close()
	var request []byte
	buffer := make([]byte, 1<<14)
	for !bytes.Contains(request, []byte("\r\n\r\n")) {
		got, err := conn.Read(buffer)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		request = append(request, buffer[:got]...)
	}
	conn.Write(data)
	conn.Write(request)
}

func serve(address string, config *tls.Config, data []byte) {
	listener, err := tls.Listen("tcp", address, config)
	check(err)
	for {
		conn, err := listener.Accept()
		check(err)
		go answer(conn, data)
	}
}

func main() {
	given := words{}
	for _, word := range os.Args[4:] {
		name, value, _ := strings.Cut(word, "=")
		given[name] = value
	}
	address := net.JoinHostPort(os.Args[2], os.Args[3])
	config := configure(given)
	if os.Args[1] == "server" {
		serve(address, config, read(given["data"]))
	}
	request, err := io.ReadAll(os.Stdin)
	check(err)
	ask(address, config, request)
	if given["connections"] == "2" {
		ask(address, config, request)
	}
}
