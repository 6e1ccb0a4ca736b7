#include "roles/supervisor_supplicant.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"
#include "roles/role.h"
#include "roles/supervisor.h"
#include "roles/supervisor_confine.h"
#include "roles/supervisor_wait_up.h"

#define WPA_SUPPLICANT "/usr/sbin/wpa_supplicant"

static const int kept_caps[] = { CAP_NET_ADMIN, CAP_NET_RAW };

/* p2p: it would make links of its own. */
static const char RADIO_TEXT[] = "ctrl_interface=DIR=%s/ctrl\n"
				 "update_config=1\n"
				 "p2p_disabled=1\n";

static uint32_t kind_of(const struct msg_config *config, const char *ifname)
{
	for (uint32_t i = 0; i < config->n_uplinks; i++)
		if (strcmp(config->uplink[i].ifname, ifname) == 0)
			return config->uplink[i].kind;
	die("supplicant: uplink '%s' is not in the configuration", ifname);
}

/* IT's files become its own, and nobody else's. Not what hangs on another name, too. */
static void give_file_away(int folder, const char *name, unsigned uid)
{
	OWNS_FD int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return;
	if (st.st_uid != uid && fchownat(fd, "", uid, uid, AT_EMPTY_PATH) < 0)
		die("supplicant: give '%s' away: %m", name);
}

static void give_folder_away(const char *path, unsigned uid)
{
	struct dirent *e;
	DIR *dir = opendir(path);

	if (!dir || chown(path, uid, uid) < 0)
		die("supplicant: take '%s': %m", path);
	while ((e = readdir(dir)) != NULL)
		give_file_away(dirfd(dir), e->d_name, uid);
	(void)closedir(dir);
}

static void make_radio_conf(const char *path, const char *folder)
{
	OWNS_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && dprintf(fd, RADIO_TEXT, folder) < 0)
		die("supplicant: write '%s': %m", path);
	if (fd < 0 && errno != EEXIST)
		die("supplicant: make '%s': %m", path);
}

_Noreturn void supervisor_supplicant_exec(const struct msg_config *config, const char *ifname)
{
	char name[IFNAMSIZ] = { 0 }, folder[MSG_PATH_BYTES], conf[MSG_PATH_BYTES];
	char path[] = WPA_SUPPLICANT, driver[] = "-D", wired[] = "wired", radio[] = "nl80211";
	char link[] = "-i", file[] = "-c";
	bool is_radio = kind_of(config, ifname) == UPLINK_RADIO;
	char *argv[] = { path, driver, is_radio ? radio : wired, link, name, file, conf, NULL };
	const struct confine supplicant = {
		.word = "supplicant",
		.argv = argv,
		.caps = kept_caps,
		.n_caps = ARRAY_LEN(kept_caps),
		.uid = role_uid_of(config, ROLE_SUPPLICANT),
		.hide_etc = true,
		.shown = folder,
	};

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	supervisor_path(folder, config->state, "supplicant");
	if ((size_t)snprintf(conf, sizeof(conf), "%s/%s.conf", folder, name) >= sizeof(conf))
		die("supplicant: path '%s/%s.conf' is too long", folder, name);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		die("supplicant: make '%s': %m", folder);
	supervisor_wait_up(supplicant.word, ifname);
	if (is_radio)
		make_radio_conf(conf, folder);
	give_folder_away(folder, supplicant.uid);
	/* it says on standard output why a network does not let it in */
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die("supplicant: standard output: %m");
	if (access(conf, R_OK) < 0)
		die("supplicant: uplink '%s' wants 802.1X: put its configuration into '%s': %m",
		    name, conf);
	supervisor_confine_exec(&supplicant);
}
