// Sends one mail with Go's net/smtp, TLS required. Arguments: host, port, file with the authority to
// trust, user, password, data.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/smtp"
	"os"
	"runtime"
)

func main() {
	if len(os.Args) != 7 {
		fmt.Println("net/smtp of", runtime.Version())
		return
	}
	host, port, ca, user, password, body := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	pem, err := os.ReadFile(ca)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client, err := smtp.Dial(host + ":" + port)
	check(err)
	check(client.Hello("client.example"))
	check(client.StartTLS(&tls.Config{ServerName: host, RootCAs: roots}))
	check(client.Auth(smtp.PlainAuth("", user, password, host)))
	check(client.Mail("a@example.org"))
	check(client.Rcpt("b@example.org"))
	data, err := client.Data()
	check(err)
	_, err = fmt.Fprintf(data, "Subject: t\r\n\r\n%s\r\n", body)
	check(err)
	check(data.Close())
	check(client.Quit())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
