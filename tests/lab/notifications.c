/* A desktop's notification service without a desktop: says on its standard output what it is asked
 * to show. The bus is a real one. Source: Desktop Notifications Specification 1.2, section 9. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gio/gio.h>

static const char INTERFACE[] =
	"<node><interface name='org.freedesktop.Notifications'>"
	"<method name='Notify'>"
	"<arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
	"<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' "
	"direction='in'/>"
	"<arg type='a{sv}' direction='in'/><arg type='i' direction='in'/>"
	"<arg type='u' direction='out'/></method>"
	"<method name='GetServerInformation'>"
	"<arg type='s' direction='out'/><arg type='s' direction='out'/>"
	"<arg type='s' direction='out'/><arg type='s' direction='out'/></method>"
	"<method name='GetCapabilities'><arg type='as' direction='out'/></method>"
	"</interface></node>";

static void notify(GVariant *arguments, GDBusMethodInvocation *call)
{
	static guint32 last;
	const char *application, *icon, *summary, *body;
	guint32 replaces;

	g_variant_get(arguments, "(&su&s&s&s@as@a{sv}i)", &application, &replaces, &icon, &summary,
		      &body, NULL, NULL, NULL);
	if (replaces == 0)
		replaces = ++last;
	printf("%u|%s|%s|%s\n", replaces, application, summary, body);
	g_dbus_method_invocation_return_value(call, g_variant_new("(u)", replaces));
}

static void serve(GDBusConnection *bus, const gchar *sender, const gchar *path,
		  const gchar *interface, const gchar *method, GVariant *arguments,
		  GDBusMethodInvocation *call, gpointer data)
{
	static const char *const capabilities[] = { "body", NULL };

	(void)bus, (void)sender, (void)path, (void)interface, (void)data;
	if (strcmp(method, "Notify") == 0)
		notify(arguments, call);
	else if (strcmp(method, "GetCapabilities") == 0)
		g_dbus_method_invocation_return_value(call, g_variant_new("(^as)", capabilities));
	else
		g_dbus_method_invocation_return_value(
			call, g_variant_new("(ssss)", "recorder", "bulkhead", "1", "1.2"));
}

static void on_bus(GDBusConnection *bus, const gchar *name, gpointer data)
{
	static const GDBusInterfaceVTable table = { .method_call = serve };
	GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(INTERFACE, NULL);

	(void)name, (void)data;
	if (!node ||
	    g_dbus_connection_register_object(bus, "/org/freedesktop/Notifications",
					      node->interfaces[0], &table, NULL, NULL, NULL) == 0)
		exit(EXIT_FAILURE);
}

static void on_name(GDBusConnection *bus, const gchar *name, gpointer data)
{
	(void)bus, (void)name, (void)data;
	puts("ready");
}

static void on_lost(GDBusConnection *bus, const gchar *name, gpointer data)
{
	(void)bus, (void)name, (void)data;
	exit(EXIT_FAILURE);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	g_bus_own_name(G_BUS_TYPE_SESSION, "org.freedesktop.Notifications",
		       G_BUS_NAME_OWNER_FLAGS_NONE, on_bus, on_name, on_lost, NULL, NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
