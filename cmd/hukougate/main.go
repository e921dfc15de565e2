// Command hukougate is Caddy v2 with the Hukou Gate module compiled in, plus
// this product's own commands.
package main

import (
	_ "time/tzdata" // calendar windows must not depend on what the machine has installed

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "hukougate/module/command"
	_ "hukougate/module/gateway"
)

func main() {
	caddy.CustomBinaryName = "hukougate" // what help texts call the program
	caddycmd.Main()
}
