package Luukku::Test::Pg;

# A private PostgreSQL cluster on a unix socket, run by an unprivileged user whoever runs the test,
# and databases in it with luukku's schema.
#
#   my $pg = Luukku::Test::Pg->start;         # the cluster of LUUKKU_TEST_PG, else one's own
#   my $pg = Luukku::Test::Pg->start(private => 1);   # one's own: may be stopped and crashed
#   my $db = $pg->database;                   # fresh and migrated; ->database(empty => 1): no schema
#   $db->conninfo                             user luukku, as the daemons connect
#   $db->owner_conninfo                       user luukku_owner, for luukkuctl migrate
#   $db->sql('SELECT a, b FROM t')            as a superuser: list of rows, each [columns];
#                                             in scalar context the first column of the first row
#   $db->try_sql($sql, user => 'luukku', role => 'luukku_send')     ($rows, $error): one is undef
#   $db->psql($script, user => .., role => ..)   what Luukku::Test::Base::run gives; goes on after errors
#   $db->helper('blob-load', 7, env => {..})     runs t/helper/db.c on it as luukku_owner
#   $db->terminate                            kills every connection to it but our own
#   $pg->stop, $pg->start_again, $pg->restart, $pg->crash   (private only; crash loses no commit)
#   $pg->log                                  the server's log so far; printed when a test failed
#
# t/run may start one cluster for all tests:
#   LUUKKU_TEST_PG=$(perl -It/lib -MLuukku::Test::Pg -e 'Luukku::Test::Pg->serve("/tmp/dir")')
#   ...; perl -It/lib -MLuukku::Test::Pg -e 'Luukku::Test::Pg->stop_serving("/tmp/dir")'

use strict;
use warnings;
use Fcntl qw(:flock);
use Test::More ();
use Luukku::Test::Base ();
use Luukku::Test::Proc qw(spawn is_running run_dir log_as_comments slurp unprivileged_ids);

my $instances = 0;
my $databases = 0;
my @running;

# The newest installed server's programs; undef when there is none.
sub bin_dir {
	my @found = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] }
		grep { -x "$_/initdb" } glob '/usr/lib/postgresql/*/bin';
	return $found[0];
}

sub missing_packages {
	return bin_dir() ? () : ('postgresql');
}

sub start {
	my ($class, %option) = @_;
	my @missing = missing_packages();
	Luukku::Test::Base::skip_or_die("Debian packages are missing: @missing") if @missing;
	if ($ENV{LUUKKU_TEST_PG} && !$option{private}) {
		return bless { socket => $ENV{LUUKKU_TEST_PG}, shared => 1 }, $class;
	}
	my $self = bless { socket => $option{dir} // run_dir() . '/pg' . ++$instances }, $class;
	$self->_init_cluster;
	$self->start_again;
	$self->_as_superuser('postgres', "CREATE ROLE luukku_owner LOGIN CREATEROLE");
	push @running, $self;
	return $self;
}

# Runs a program of PostgreSQL as the unprivileged user.
sub _as_server {
	my ($self, @command) = @_;
	if ($> == 0) {
		my ($uid, $gid) = unprivileged_ids();
		unshift @command, 'setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups', '--';
	}
	my $done = Luukku::Test::Base::run(\@command, seconds => 120);
	die "@command: $done->{out}$done->{err}\n" if $done->{status} != 0;
	return $done->{out};
}

# Everything is durable enough for a killed process; only a power cut would hurt, and is not tested.
sub _init_cluster {
	my ($self) = @_;
	my ($uid, $gid) = unprivileged_ids();
	my $dir = $self->{socket};
	-d $dir or mkdir $dir, 0755 or die "$dir: $!";
	chown $uid, $gid, $dir;
	die "$dir is too long for a unix socket\n" if length "$dir/.s.PGSQL.5432" > 100;
	$self->_as_server(bin_dir() . '/initdb', '-D', "$dir/data", '--no-sync', '-A', 'trust',
		'-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '--no-instructions');
	open my $conf, '>>', "$dir/data/postgresql.conf" or die "postgresql.conf: $!";
	# Another time zone and language of dates than luukku's, so that nothing relies on them.
	print {$conf} <<"CONF";
listen_addresses = ''
unix_socket_directories = '$dir'
dynamic_shared_memory_type = mmap
fsync = off
full_page_writes = off
shared_buffers = 16MB
max_connections = 100
max_wal_size = 256MB
jit = off
timezone = 'America/St_Johns'
datestyle = 'German, DMY'
bytea_output = 'escape'
log_line_prefix = '%m %a[%p] %d '
CONF
	close $conf or die "postgresql.conf: $!";
}

sub start_again {
	my ($self) = @_;
	die "this cluster is shared\n" if $self->{shared};
	$self->{pid} = spawn(
		command => [bin_dir() . '/postgres', '-D', "$self->{socket}/data"],
		log => $self->_log_file, unprivileged => 1, death_signal => 'QUIT');
	Luukku::Test::Base::wait_until(sub {
		die "PostgreSQL does not start:\n" . $self->log if !is_running($self->{pid});
		my ($rows) = $self->_query('postgres', 'SELECT 1', 'postgres');
		$rows;
	}, 30, 'the start of PostgreSQL');
	return;
}

sub _log_file {
	my ($self) = @_;
	my $file = "$self->{socket}/log";
	if (!-e $file) {
		Luukku::Test::Base::spew($file, '');
		my ($uid, $gid) = unprivileged_ids();
		chown $uid, $gid, $file;
	}
	return $file;
}

sub log {
	my ($self) = @_;
	return slurp("$self->{socket}/log") // '';
}

# Fast shutdown: clients are thrown out, nothing is lost.
sub stop {
	my ($self, $signal) = @_;
	die "this cluster is shared\n" if $self->{shared};
	return if !$self->{pid};
	kill $signal // 'INT', $self->{pid};
	Luukku::Test::Base::wait_until(sub { !is_running($self->{pid}) }, 30, 'the end of PostgreSQL');
	delete $self->{pid};
	return;
}

sub restart {
	my ($self) = @_;
	$self->stop;
	$self->start_again;
	return;
}

# Immediate shutdown; the next start recovers from the log.
sub crash {
	my ($self) = @_;
	$self->stop('QUIT');
	return;
}

# Through psql: (rows, undef) or (undef, error). Not /usr/bin/psql, which is Debian's chooser of
# versions in Perl and takes several times as long to start as psql itself.
sub _query {
	my ($self, $database, $sql, $user, $role) = @_;
	my @role = $role ? ('-c', qq{SET ROLE "$role"}) : ();
	my $done = Luukku::Test::Base::run(
		[bin_dir() . '/psql', '-X', '-q', '-A', '-t', '-F', "\x1f", '-R', "\x1e",
			'-v', 'ON_ERROR_STOP=1', @role, '-f', '-'],
		in => $sql, seconds => 120,
		env => {
			PGHOST => $self->{socket}, PGPORT => 5432, PGUSER => $user,
			PGDATABASE => $database, PGOPTIONS => '-c timezone=UTC -c datestyle=ISO',
			PGAPPNAME => 'test', PGCLIENTENCODING => 'UTF8' });
	return (undef, $done->{err} || "psql: status $done->{status}") if $done->{status} != 0;
	$done->{out} =~ s/\n\z//;
	return ([map { [split /\x1f/, $_, -1] } split /\x1e/, $done->{out}, -1], undef);
}

sub _as_superuser {
	my ($self, $database, $sql) = @_;
	my ($rows, $error) = $self->_query($database, $sql, 'postgres');
	die "$sql: $error\n" if defined $error;
	return $rows;
}

# The migrated database that the others are copied from, made by whoever is first.
sub _template {
	my ($self) = @_;
	open my $lock, '>>', "$self->{socket}/template.lock" or die "template.lock: $!";
	flock $lock, LOCK_EX or die "template.lock: $!";
	my $made = $self->_as_superuser('postgres',
		"SELECT 1 FROM pg_database WHERE datname = 'luukku_template' AND datistemplate");
	return if @$made;
	$self->_as_superuser('postgres', $_) for 'DROP DATABASE IF EXISTS luukku_template',
		'CREATE DATABASE luukku_template OWNER luukku_owner';
	my $template = $self->_database_object('luukku_template');
	$template->migrate;
	$self->_as_superuser('postgres', "UPDATE pg_database SET datistemplate = true
		WHERE datname = 'luukku_template'");
	return;
}

sub _database_object {
	my ($self, $name) = @_;
	return bless { pg => $self, name => $name }, 'Luukku::Test::Pg::Database';
}

sub database {
	my ($self, %option) = @_;
	my $name = "luukku_t$$" . '_' . ++$databases;
	my $template = 'template0';
	if (!$option{empty}) {
		$self->_template;
		$template = 'luukku_template';
	}
	$self->_as_superuser('postgres',
		"CREATE DATABASE $name OWNER luukku_owner TEMPLATE $template");
	push @{ $self->{databases} }, $name;
	push @running, $self if $self->{shared} && !grep { $_ == $self } @running;
	return $self->_database_object($name);
}

# For t/run: a cluster that outlives this process; prints the value of LUUKKU_TEST_PG.
sub serve {
	my ($class, $dir) = @_;
	my $self = bless { socket => $dir }, $class;
	$self->_init_cluster;
	$self->_as_server(bin_dir() . '/pg_ctl', '-D', "$dir/data", '-l', $self->_log_file, '-w', '-s',
		'start');
	$self->_as_superuser('postgres', "CREATE ROLE luukku_owner LOGIN CREATEROLE");
	print "$dir\n";
	return;
}

sub stop_serving {
	my ($class, $dir) = @_;
	my $self = bless { socket => $dir }, $class;
	$self->_as_server(bin_dir() . '/pg_ctl', '-D', "$dir/data", '-m', 'immediate', '-w', '-s',
		'stop');
	return;
}

END {
	my $status = $?;
	my $builder = Test::More->builder;
	my $is_failed = $status != 0 || ($builder->current_test > 0 && !$builder->is_passing);
	for my $pg (@running) {
		if ($pg->{shared}) {
			for my $name (@{ $pg->{databases} // [] }) {
				$pg->_query('postgres', "DROP DATABASE IF EXISTS $name WITH (FORCE)", 'postgres');
			}
			next;
		}
		log_as_comments('PostgreSQL log', "$pg->{socket}/log") if $is_failed;
		eval { $pg->stop('QUIT'); 1 } or print STDERR "# $@";
	}
	$? = $status;
}

package Luukku::Test::Pg::Database;

use strict;
use warnings;

sub conninfo {
	my ($self, $user) = @_;
	$user //= 'luukku';
	return "host=$self->{pg}{socket} port=5432 dbname=$self->{name} user=$user";
}

sub owner_conninfo {
	my ($self) = @_;
	return $self->conninfo('luukku_owner');
}

sub name {
	my ($self) = @_;
	return $self->{name};
}

# Brings the schema up to date; done already in a database that was not asked for empty.
sub migrate {
	my ($self) = @_;
	my $done = $self->helper('migrate');
	die "migrate: $done->{err}\n" if $done->{status} != 0;
	return $done->{out};
}

sub sql {
	my ($self, $sql) = @_;
	my $rows = $self->{pg}->_as_superuser($self->{name}, $sql);
	return wantarray ? @$rows : @$rows ? $rows->[0][0] : undef;
}

sub try_sql {
	my ($self, $sql, %option) = @_;
	return $self->{pg}->_query($self->{name}, $sql, $option{user} // 'postgres', $option{role});
}

sub psql {
	my ($self, $script, %option) = @_;
	my @role = $option{role} ? ('-c', qq{SET ROLE "$option{role}"}) : ();
	return Luukku::Test::Base::run(
		[Luukku::Test::Pg::bin_dir() . '/psql', '-X', '-q', '-A', '-t', @role, '-f', '-'],
		in => $script, seconds => 120,
		env => {
			PGHOST => $self->{pg}{socket}, PGPORT => 5432, PGUSER => $option{user} // 'postgres',
			PGDATABASE => $self->{name}, PGAPPNAME => 'test', PGCLIENTENCODING => 'UTF8',
			PGOPTIONS => '-c timezone=UTC -c datestyle=ISO' });
}

sub helper_path {
	my $helper = Luukku::Test::Base::build_dir() . '/t-helper/db';
	Luukku::Test::Base::skip_or_die("$helper is not built; run t/run") if !-x $helper;
	return $helper;
}

sub helper {
	my ($self, @words) = @_;
	my %option;
	for my $i (0 .. $#words) {
		next if $words[$i] !~ /^(?:env|in)$/ || $i + 1 > $#words;
		%option = splice @words, $i;
		last;
	}
	return Luukku::Test::Base::run([helper_path(), @words], in => $option{in} // '',
		env => { LUUKKU_DB => $self->owner_conninfo, %{ $option{env} // {} } });
}

sub terminate {
	my ($self) = @_;
	$self->{pg}->_as_superuser('postgres',
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$self->{name}'");
	return;
}

1;
