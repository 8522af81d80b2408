package Luukku::Test::Web;

# luukku-web by itself, for a desk of Luukku::Test::Desk at a time of the test's choice.
#
#   my %port = Luukku::Test::Web::ports();          # public, internal
#   my $desk = Luukku::Test::Desk->start(extra => Luukku::Test::Web::conf(%port));
#   my $web = Luukku::Test::Web->start(desk => $desk, %port, now => '2026-10-05T07:00:00Z');
#   $web->public->get('/s/TOKEN');  $web->internal->get('/metrics');  $web->stop;
#   Luukku::Test::Web::token($mail)                 the token of the survey page that a mail links to

use strict;
use warnings;
use Luukku::Test::Base qw(program slurp);
use Luukku::Test::Desk ();
use Luukku::Test::Http;
use Luukku::Test::Proc qw(spawn stop_pid is_running free_port wait_until);

sub ports { return (public => free_port(), internal => free_port()) }

sub conf {
	my (%port) = @_;
	return <<"CONF";
web: { listen = "127.0.0.1:$port{public}"; public_url = "https://tuki.example.fi/desk/";
  accessibility_url = "https://example.fi/saavutettavuus"; internal = "127.0.0.1:$port{internal}"; };
CONF
}

my $n = 0;

sub start {
	my ($class, %option) = @_;
	my $log = $option{desk}->dir . '/web' . ++$n . '.log';
	my $self = bless { %option, log => $log }, $class;
	$self->{pid} = spawn(command => [program('luukku-web'), '-v', '-c', $option{desk}->conf], log => $log,
		env => { $option{now} ? (LUUKKU_NOW => $option{now}) : () });
	wait_until('luukku-web to listen', sub {
		die 'luukku-web ended: ' . slurp($log) if !is_running($self->{pid});
		-e $log && slurp($log) =~ /site=internal/;
	});
	return $self;
}

sub public   { my ($self) = @_; return Luukku::Test::Http->new(port => $self->{public}) }
sub internal { my ($self) = @_; return Luukku::Test::Http->new(port => $self->{internal}) }
sub log      { my ($self) = @_; return slurp($self->{log}) }
sub pid      { my ($self) = @_; return $self->{pid} }

sub stop {
	my ($self) = @_;
	stop_pid(delete $self->{pid}, 20) if $self->{pid};
	return;
}

sub token {
	my ($mail) = @_;
	for my $part (Luukku::Test::Desk::parts($mail)) {
		return $1 if $part->{text} =~ m{https://tuki\.example\.fi/desk/s/([a-z2-7]{36})\b};
	}
	return;
}

1;
