# dot1x.sh - a switch port or an access point that wants 802.1X with EAP-TLS: hostapd on the company's side,
# a certificate for the laptop. Sourced after lab.sh, lans.sh and laptop.sh; programs come from out/peers.
#
# shellcheck shell=bash

DOT1X_CA=$LAB/dot1x

# What /usr lacks here and a Debian with wpasupplicant has (its /sbin and /lib are parts of /usr).
dot1x_install() {
	local peers=$LAB_TOP/out/peers
	[ -x "$peers/sbin/wpa_supplicant" ] || [ -x "$peers/usr/sbin/wpa_supplicant" ] ||
		lab_skip "out/peers holds no wpa_supplicant; run tests/peers.sh"
	mkdir -p "$LAB/peers-usr/sbin" "$LAB/peers-usr/lib"
	cp -a "$peers/sbin/." "$peers/usr/sbin/hostapd" "$LAB/peers-usr/sbin/"
	cp -a "$peers/lib/x86_64-linux-gnu" "$LAB/peers-usr/lib/"
	cp -a "$peers/usr/lib/x86_64-linux-gnu/"lib*.so* "$LAB/peers-usr/lib/x86_64-linux-gnu/"
	mount -t overlay overlay -o "lowerdir=/usr:$LAB/peers-usr" /usr
}

dot1x_certificate() { # dot1x_certificate NAME USAGE - signed by the company's CA
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
		-keyout "$DOT1X_CA/$1.key" -out "$DOT1X_CA/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$DOT1X_CA/$1.csr" -CA "$DOT1X_CA/ca.pem" -CAkey "$DOT1X_CA/ca.key" \
			-days 2 -extfile <(echo "extendedKeyUsage=$2") -out "$DOT1X_CA/$1.pem" 2>/dev/null
}

dot1x_make() {
	mkdir -p "$DOT1X_CA"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=corp-ca \
		-days 2 -keyout "$DOT1X_CA/ca.key" -out "$DOT1X_CA/ca.pem" 2>/dev/null &&
		dot1x_certificate radius serverAuth && dot1x_certificate laptop clientAuth
}

# The laptop's part, as IT would put it there.
dot1x_give() { # dot1x_give LINK
	local folder=$LAPTOP_STATE/supplicant
	install -d -m 700 "$LAPTOP_STATE" "$folder"
	install -m 600 "$DOT1X_CA"/{ca.pem,laptop.pem,laptop.key} "$folder"
	cat >"$folder/$1.conf" <<-CONF
		ap_scan=0
		network={
			key_mgmt=IEEE8021X
			eapol_flags=0
			$(dot1x_identity)
		}
	CONF
	chmod 600 "$folder/$1.conf"
}

dot1x_give_radio() { # dot1x_give_radio LINK SSID
	local folder=$LAPTOP_STATE/supplicant
	dot1x_give "$1"
	cat >"$folder/$1.conf" <<-CONF
		ctrl_interface=DIR=$folder/ctrl
		update_config=1
		p2p_disabled=1
		network={
			ssid="$2"
			key_mgmt=WPA-EAP
			$(dot1x_identity)
		}
	CONF
}

dot1x_identity() { # who the laptop is, and who may ask
	local folder=$LAPTOP_STATE/supplicant
	printf '%s\n' eap=TLS 'identity="laptop"' "ca_cert=\"$folder/ca.pem\"" 'domain_match="radius"' \
		"client_cert=\"$folder/laptop.pem\"" "private_key=\"$folder/laptop.key\""
}

# The port of the switch: cable is in the LAN only after its laptop proved who it is.
dot1x_switch() { # dot1x_switch LAN LINK
	cat >"$DOT1X_CA/hostapd.conf" <<-CONF
		interface=$2
		driver=wired
		logger_stdout=-1
		use_pae_group_addr=1
		$(dot1x_server)
	CONF
	lab_start hostapd nsenter --net="/run/netns/$1" hostapd "$DOT1X_CA/hostapd.conf"
}

dot1x_server() { # who asks: hostapd's own EAP server
	echo '* TLS' >"$DOT1X_CA/users"
	printf '%s\n' ieee8021x=1 eap_server=1 "eap_user_file=$DOT1X_CA/users" "ca_cert=$DOT1X_CA/ca.pem" \
		"server_cert=$DOT1X_CA/radius.pem" "private_key=$DOT1X_CA/radius.key"
}

dot1x_opened() { # has the laptop proved who it is?
	grep -q 'AP-STA-CONNECTED' "$LAB/hostapd.log"
}
