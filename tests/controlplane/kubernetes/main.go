// Package main is kube-apiserver, kube-controller-manager and kubectl in one
// program: it becomes the one whose name it is called by. One program shares
// most of its code between the three, so it is built in half the time.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	_ "time/tzdata" // CronJobs and log timestamps work on machines without zone files.

	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl understands every kubeconfig.
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	switch name {
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err) // Prints it the way kubectl does, and exits.
		}
	default:
		fmt.Fprintf(os.Stderr, "%s is called as kube-apiserver, kube-controller-manager or kubectl\n", name)
		os.Exit(2)
	}
}
