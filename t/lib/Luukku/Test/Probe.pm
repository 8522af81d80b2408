package Luukku::Test::Probe;

# Drives t/helper/net-probe, the mail clients of lib/net on a command line.
#
#   my $probe = Luukku::Test::Probe->new(port => N, tls => 'implicit', ca => FILE, user => U,
#           password => P);
#   my $done = $probe->run('imap-list', 'INBOX', { tls => 'starttls' });   { status, out, err, .. }

use strict;
use warnings;
use Luukku::Test::Base qw(build_dir skip_or_die spew temp_dir);

my $serial = 0;

sub path {
	my $path = build_dir() . '/t-helper/net-probe';
	skip_or_die("$path is not built; run t/run") if !-x $path;
	return $path;
}

sub new {
	my ($class, %option) = @_;
	path();
	return bless {%option}, $class;
}

# Arguments of the process, for tests that start it themselves.
sub command {
	my ($self, @arguments) = @_;
	my $own = @arguments && ref $arguments[-1] eq 'HASH' ? pop @arguments : {};
	my %option = (%$self, %$own);
	if (defined(my $password = delete $option{password})) {
		my $file = temp_dir() . '/password' . ++$serial;
		spew($file, "$password\n", 0600);
		$option{'password-file'} = $file;
	}
	return (path(), (map { "$_=$option{$_}" } sort grep { defined $option{$_} } keys %option),
		@arguments);
}

sub run {
	my ($self, @arguments) = @_;
	return Luukku::Test::Base::run([ $self->command(@arguments) ], seconds => 60);
}

1;
