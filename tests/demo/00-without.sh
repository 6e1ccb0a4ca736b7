# What the sniffer on the corporate LAN hears of a laptop without Bulkhead: the measure of all that follows.
#
# shellcheck shell=bash
demo_step 0 "Without Bulkhead: what the corporate LAN hears"

lans_up || return 1
if ! attacks_without_bulkhead; then
	bad "every try is heard" "not heard: $(attacks_missing corp | tr '\n' ' ')"
	return 1
fi
lab_stop wire-corp
for kind in $ATTACKS; do
	heard=$(lab_count corp "text:${ATTACK_TOKEN[$kind]}")
	expect "personal's try '$kind' is heard" "$heard frames" test "$heard" -gt 0
done
heard=$(lab_count corp "mac:$(</sys/class/net/en0/address)")
expect "so are its MAC and its address" "$heard and $(lab_count corp ip:10.77.0.200) frames" \
	test "$heard" -gt 0
attacks_clean
