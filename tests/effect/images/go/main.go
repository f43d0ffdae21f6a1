// A server of net/http: with `-bare` without a handler for any signal, else it ends what is under way when it is told to stop.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		fmt.Fprintln(w, "ok", r.URL.Query().Get("id"))
	})
	server := &http.Server{Addr: ":8000"}
	if len(os.Args) > 1 && os.Args[1] == "-bare" {
		fmt.Println(server.ListenAndServe())
		return
	}
	stopped := make(chan error)
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		stopped <- server.Shutdown(context.Background())
	}()
	fmt.Println(server.ListenAndServe())
	fmt.Println(<-stopped)
}
